"""What is known of a run to a person who explains it: from its record and the files beside it."""

import re
from collections.abc import Iterable

from pydantic import ValidationError

from notebake.aws.call_parameters import digest_of_value
from notebake.errors import NextCommand, NotebakeError, RecipeError, RunStoreError
from notebake.explanation.filled_parameters import texts_of
from notebake.explanation.recorded_calls import RecordedCall, read_calls
from notebake.ledger.entry import Entry
from notebake.ledger.kinds import STATE, STEP
from notebake.ledger.summary import Summary
from notebake.recipe import Recipe
from notebake.record import Record
from notebake.runs.open_store import open_store
from notebake.runs.recorded_run import RecordedRun
from notebake.runs.registry import load_run
from notebake.store.interface import RunStore

MOUNTED = re.compile(r"Volume (?P<name>\S+) \((?P<id>vol-\w+), \S+\) is mounted on /")
"""What the script that mounts a volume writes to the log (notebake/commands/volume_scripts.py)."""
DIGEST = re.compile(r"[0-9a-f]{16}")
USUAL_KEY = "keypair"
KEYS = ("builder", "acceptance")
"""The roles whose machines have a key pair each."""


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


def read_facts(recorded: RecordedRun, location: str) -> RunFacts:
    """Return what is known of a run.

    Raises:
        NotebakeError: it is not in the ledger, or another version of notebake wrote its recipe.
        RunStoreError: the run store cannot be read.
    """
    summary = recorded.summary
    history = NextCommand(("history", "show", summary.run), "What is recorded of it")
    if not recorded.is_recorded:
        raise NotebakeError(
            f"Run {summary.run} cannot be explained: nothing of it is in the ledger, which has the"
            " calls of each run that was executed since there is one."
        ).with_next(history)
    try:
        recipe = Recipe.model_validate(summary.recipe)
    except ValidationError as error:
        raise NotebakeError(
            f"Run {summary.run} cannot be explained: its recipe in the record is of another"
            f" version of notebake. {error.errors()[0]['msg']}"
        ).with_next(history) from error
    store = open_store(location)
    log = store.read(f"{summary.run}/log.txt")
    paths = {role: store.local_path(f"{summary.run}/keys/{role}") for role in KEYS}
    return RunFacts(
        summary=summary,
        recipe=recipe,
        calls=tuple(read_calls(recorded.entries)),
        steps=_steps(recorded.entries),
        texts=_texts_of_recipe(summary.run, store),
        volume_ids={
            found["name"]: found["id"]
            for found in MOUNTED.finditer(log.content.decode(errors="replace") if log else "")
        },
        key_paths={role: str(path) for role, path in paths.items() if path and path.exists()},
        ended_ids=tuple(
            str(entry.body.get("instance"))
            for entry in recorded.entries
            if entry.kind == STATE and entry.body.get("state") == "terminated"
        ),
        public_keys={
            digest_of_value(path.with_suffix(".pub").read_bytes().strip()): f"fileb://{path}.pub"
            for path in paths.values()
            if path and path.with_suffix(".pub").exists()
        },
        locks_place=store.where(f"{summary.run}/locks"),
    )


def _texts_of_recipe(run_id: str, store: RunStore) -> tuple[str, ...]:
    try:
        return tuple(texts_of(load_run(run_id, store).recipe.model_dump(mode="json")))
    except (RecipeError, RunStoreError):
        return ()  # the run's own files are gone, or of another version


def _steps(entries: Iterable[Entry]) -> dict[str, StepFact]:
    """Return the last outcome of each step, and whether it was undone afterwards."""
    found: dict[str, StepFact] = {}
    for entry in entries:
        if entry.kind != STEP:
            continue
        body, detail = entry.body, entry.body.get("detail") or {}
        name, happening = str(body.get("step", "")), str(body.get("happening", ""))
        if happening == "undone" and name in found:
            found[name] = found[name].model_copy(update={"is_undone": True})
            continue
        is_known = name in found and found[name].happening == "done" and not found[name].is_undone
        if happening == "found" and is_known:
            continue  # a resumed run has found what it had made
        result = str(detail.get("result", ""))
        found[name] = StepFact(
            happening=happening,
            result="" if DIGEST.fullmatch(result) else result,
            message=str(detail.get("message", "")),
            seconds=body.get("seconds"),
        )
    return found
