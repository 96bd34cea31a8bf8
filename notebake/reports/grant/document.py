"""The content of a grant report: all that its pages show, and what its annex holds for machines."""

import datetime

from notebake.record import Record

FORMAT = 1


class AwardFacts(Record):
    """The award, and where its facts are from."""

    number: str
    title: str = ""
    investigator: str = ""
    """The principal investigator; a pseudonym if the person was erased."""
    start: datetime.date | None = None
    end: datetime.date | None = None
    final_report: datetime.date | None = None
    keep_until: datetime.date | None = None
    """Three years after the final report; None if its date is not known."""
    source: str = ""
    """The file that names the award, or the run that recorded it; "" if none does."""


class Amounts(Record):
    """US dollars in whole cents as text, in columns that are never mixed; None if there is none."""

    estimated: str | None = None
    metered: str | None = None
    billed: str | None = None
    unknown: tuple[str, ...] = ()
    """The columns that leave out what has no price."""


class NamedAmounts(Record):
    """A row of a table of money."""

    name: str
    detail: str = ""
    amounts: Amounts


class Purpose(Record):
    """What the award was to pay for, and which share, from some time on."""

    since: str
    purpose: str
    share_percent: str


class Failure(Record):
    """What went wrong, and what was done about it."""

    at: str
    what: str
    """The step that failed, or the execution."""
    message: str
    remedy: str


class RecipeChange(Record):
    """A field of the recipe that was changed while the run went on."""

    at: str
    who: str
    field: str
    before: str
    """"" if it was not there."""
    after: str


class ApprovalFacts(Record):
    """What a person was asked to approve, and what became of that."""

    at: str
    """When it was answered; "" if nobody did."""
    who: str
    """The name that the person typed, or a pseudonym if it was erased; nobody has checked it."""
    what: str
    """What was to be done."""
    outcome: str
    """approved, refused, expired, void or open."""
    reason: str
    """Why it was approved or refused, or why the answer counts no more."""
    digest: str
    """Of exactly what was shown."""


class Item(Record):
    """One item that was metered: the whole of it, not the award's share."""

    run: str
    what: str
    resource: str
    detail: str
    start: str
    end: str
    hours: str
    usd_per_hour: str | None = None
    """None if the price is unknown."""
    usd: str | None = None
    """Exact."""


class ImageFacts(Record):
    """An image that a run left."""

    id: str
    name: str
    accepted: str
    """When it was accepted; "" if it was not."""
    snapshots: tuple[str, ...] = ()
    base_image: str = ""
    base_run: str = ""
    """The run of this record that made the base image; "" if none did."""
    repository: str = ""
    commit: str = ""
    notebook: str = ""
    verdict: str = ""
    """What the notebook's execution proved, or why that is not known."""


class RunFacts(Record):
    """One run for which the award pays, or was to pay."""

    id: str
    recipe: str
    recipe_digest: str = ""
    purposes: tuple[Purpose, ...] = ()
    people: tuple[str, ...] = ()
    """Names, or pseudonyms of those who were erased."""
    code: str = ""
    account: str = ""
    region: str = ""
    began: str = ""
    ended: str = ""
    outcome: str = ""
    executions: int = 0
    machine_hours: str = "0"
    """Whole, not the award's share; idle hours included."""
    idle_hours: str = "0"
    amounts: Amounts = Amounts()
    """The award's share."""
    failures: tuple[Failure, ...] = ()
    changes: tuple[RecipeChange, ...] = ()
    approvals: tuple[ApprovalFacts, ...] = ()
    """What people were asked about the run and its image."""
    items: tuple[Item, ...] = ()
    """What was metered last, in the days of the report."""
    image: ImageFacts | None = None
    state: str = ""
    """What the verification of its record has shown."""
    entries: int = 0
    head: str = ""
    """SHA-256 of the last entry of its record."""


class PersonFacts(Record):
    """What one person did for the award."""

    name: str
    runs: int
    accepted: int
    machine_hours: str


class HoursFacts(Record):
    """For how long one kind of thing was there, and what that cost."""

    what: str
    hours: str
    amounts: Amounts


class Verification(Record):
    """What the verification of the whole record has shown, on the day of the report."""

    states: dict[str, int]
    """How many runs are intact, tampered, incomplete, unreadable, or not recorded."""
    findings: tuple[str, ...] = ()
    """What was changed."""
    unreadable: tuple[str, ...] = ()
    """What could not be read."""
    gaps: tuple[str, ...] = ()
    checkpoints: int = 0
    anchor: str = ""
    """Size and root of the last tree; "" without a checkpoint."""
    key: str = ""
    """The fingerprint of the key that signed it."""
    newer_runs: int = 0
    """Runs that have changed since the last checkpoint."""
    versions: str = ""
    """Whether the store keeps what is replaced or deleted in it, and lets us read that."""


class GrantReport(Record):
    """A report on one award."""

    format: int = FORMAT
    made: str
    made_by: str
    code: str
    store: str
    award: AwardFacts
    first_day: datetime.date
    """Days are of UTC."""
    last_day: datetime.date
    runs: tuple[RunFacts, ...]
    people: tuple[PersonFacts, ...]
    hours: tuple[HoursFacts, ...]
    months: tuple[NamedAmounts, ...]
    outcomes: tuple[NamedAmounts, ...]
    total: Amounts
    """What counts for the award."""
    reconciliation: tuple[NamedAmounts, ...]
    """All that the store's runs cost in these days: for this award, for others, for none."""
    outside: tuple[NamedAmounts, ...]
    """By run: what names the award and lies outside of its period."""
    unallocated: tuple[NamedAmounts, ...]
    """By run: what names no award."""
    prices: tuple[str, ...]
    """Where the prices are from, and of which day."""
    verification: Verification
