"""What is known of a run to a person who explains it."""

from notebake.explanation.recorded_calls import RecordedCall
from notebake.ledger.summary import Summary
from notebake.recipe import Recipe
from notebake.record import Record

USUAL_KEY = "keypair"


class StepFact(Record):
    """What the record has of one step."""

    happening: str
    """`done`, `found`, `failed`, or `undone` if nothing else is recorded."""
    result: str = ""
    message: str = ""
    seconds: float | None = None
    is_undone: bool = False


class RunFacts(Record):
    """A run, as far as it went."""

    summary: Summary
    recipe: Recipe
    calls: tuple[RecordedCall, ...]
    steps: dict[str, StepFact]
    texts: tuple[str, ...]
    """All texts in its recipe as the run store has it, where the record has some as digests."""
    volume_ids: dict[str, str]
    """By the names of the recipe's volumes; without those that no log names."""
    key_paths: dict[str, str]
    """Where the private keys for a role lie on this computer."""
    ended_ids: tuple[str, ...]
    """Machines that EC2 has shown as terminated."""
    public_keys: dict[str, str]
    """How the file of a public key is typed, by the digest that the record has of the key."""
    locks_place: str
    """Where the lock files are."""

    @property
    def run_id(self) -> str:
        return self.summary.run

    @property
    def user(self) -> str:
        return self.recipe.base_image.user

    @property
    def address(self) -> str:
        """The builder's address when it was reached first; "" if it never was."""
        return self.steps["wait_for_host"].result if "wait_for_host" in self.steps else ""

    def key(self, role: str = "builder") -> str:
        """Return the path of the private key, or the name that it has in the tutorial."""
        return self.key_paths.get(role, USUAL_KEY)

    def made(self, *names: str) -> list[str]:
        """Return the ids of what was created under names such as `builder-1`."""
        return [each.id for each in self.summary.created if each.name in names]

    @property
    def stays(self) -> list[str]:
        """The accepted image and its snapshots, as far as the record names them."""
        image = self.summary.image
        if image:
            return [image.id, *image.snapshots]
        published = self.steps.get("publish_image")
        return self.made("image") if published and published.happening in ("done", "found") else []

    @property
    def left_ids(self) -> list[str]:
        """What is temporary and still there, as far as the record shows."""
        gone = {*self.ended_ids, *self.stays}
        return [
            each.id for each in self.summary.created if not each.removed and each.id not in gone
        ]

    @property
    def builder_id(self) -> str:
        return self.made("builder-1")[-1] if self.made("builder-1") else ""

    @property
    def builder_type(self) -> str:
        launches = [call for call in self.calls if call.step == "launch_instance" and call.is_done]
        return str(launches[-1].parameters.get("InstanceType", "")) if launches else ""

    @property
    def image_id(self) -> str:
        images = [each for each in self.made("image") if each.startswith("ami-")]
        return images[-1] if images else ""

    @property
    def acceptance_ids(self) -> list[str]:
        return self.made("acceptance-1", "acceptance-2")
