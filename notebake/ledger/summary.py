"""What a list, a page or a comparison needs to know of a run, as its entries show it."""

from enum import StrEnum
from typing import Any

from pydantic import ConfigDict, Field

from notebake.record import Record

FORMAT = 3
"""To be increased when the same entries give another summary: `verify` compares equal formats."""


class Result(StrEnum):
    """What became of a run."""

    OPEN = "open"
    """Something temporary may be left."""
    ACCEPTED = "accepted"
    """An accepted image is left, and nothing else."""
    FAILED = "failed"
    """The last build failed; nothing is left."""
    TORN_DOWN = "torn down"
    """No image was accepted; nothing is left."""


class Part(Record):
    """A part of a summary; later versions may add fields."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Execution(Part):
    """One execution of the run."""

    id: str
    who: str
    """A pseudonym; "" if unknown."""
    identity: str = ""
    """The pseudonym of the identity in AWS."""
    started_by: str = ""
    claims: dict[str, Any] = Field(default_factory=dict)
    code: dict[str, Any] | None = None
    """Version, commit, and whether the code was modified; None if that was not recorded."""
    began: str
    ended: str = ""
    """"" if its end is not recorded."""
    error: str = ""
    """The name of the error with which it ended."""
    message: str = ""
    did_build: bool = False
    """Whether it carried out a step, not only undid some."""


class StepSummary(Part):
    """A step: how often it was tried, and its latest outcome."""

    step: str
    tries: int
    outcome: str
    """`found`, `done`, `failed` or `undone`."""
    at: str
    seconds: float | None = None
    """How long its latest making took."""
    result: str = ""
    """What it gave, or why it failed."""


class Created(Part):
    """A resource that a call of the run created."""

    id: str
    name: str = ""
    """The name of the attempt, such as `builder-1`."""
    operation: str
    at: str
    removed: str = ""
    """When its removal was recorded."""


class AttemptsSummary(Part):
    """What the creating calls of the run have made, as a survey must know it."""

    made: tuple[str, ...] = ()
    """The ids of all resources, removed ones included."""
    present: tuple[str, ...] = ()
    """The ids of those that are not recorded as removed."""
    open_tokens: tuple[str, ...] = ()
    """The client tokens of launches whose response was lost."""


class StoredFile(Part):
    """A file of the run as it was last stored."""

    name: str
    size: int
    sha256: str
    at: str


class ImageSummary(Part):
    """The image that the run leaves."""

    id: str
    name: str
    accepted: str = ""
    """When it was accepted."""
    snapshots: tuple[str, ...] = ()


class MoneySummary(Part):
    """What a run was expected to cost, and what it has cost as far as that was metered.

    Amounts are exact US dollars as text; None if nothing is recorded, or no price is known.
    """

    estimated_usd: str | None = None
    is_estimate_complete: bool = True
    """Whether every price was known."""
    metered_usd: str | None = None
    is_metered_complete: bool = True
    metered_until: str = ""
    is_over: bool = True
    """False if something went on costing when it was metered."""
    machine_hours: str = "0"
    """Idle ones too."""
    idle_hours: str = "0"
    """In which a machine was up and no step was carried out."""
    monthly_usd: str | None = None
    """What the image's snapshots cost in each month from then on, at most."""


class Summary(Part):
    """A run."""

    format: int = FORMAT
    run: str
    recipe_name: str = ""
    recipe_digest: str = ""
    recipe: dict[str, Any] = Field(default_factory=dict)
    """The latest recipe."""
    is_continued: bool = False
    """Whether the run began before the ledger, so that its beginning is not recorded."""
    account: str = ""
    began: str = ""
    ended: str = ""
    """The time of the last end of an execution."""
    executions: tuple[Execution, ...] = ()
    steps: tuple[StepSummary, ...] = ()
    calls: int = 0
    """Calls sent to AWS that change something."""
    failed_calls: int = 0
    unanswered_calls: int = 0
    created: tuple[Created, ...] = ()
    attempts: AttemptsSummary | None = None
    """None if an entry about them cannot be read, or an earlier version made the summary."""
    files: tuple[StoredFile, ...] = ()
    image: ImageSummary | None = None
    base_image: str = ""
    """The id of the image from which the builder was launched."""
    commit: str = ""
    """The commit of the cloned repository."""
    result: Result = Result.OPEN
    money: MoneySummary = MoneySummary()

    @property
    def who(self) -> str:
        """The person of the first execution."""
        return self.executions[0].who if self.executions else ""

    @property
    def people(self) -> tuple[str, ...]:
        """All who executed the run, in the order in which they came."""
        return tuple(dict.fromkeys(each.who for each in self.executions if each.who))

    @property
    def code(self) -> dict[str, Any]:
        """The code of the last execution that recorded it."""
        return next((each.code for each in reversed(self.executions) if each.code), {})

    @property
    def awards(self) -> tuple[str, ...]:
        """The numbers of the awards that the recipe names."""
        return tuple(str(award.get("number", "")) for award in self.recipe.get("award") or ())

    @property
    def locks(self) -> dict[str, str]:
        """The SHA-256 of each lock file."""
        return {file.name: file.sha256 for file in self.files if file.name.startswith("locks/")}
