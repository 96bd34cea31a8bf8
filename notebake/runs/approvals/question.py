"""What the log of approvals shows: each question, its answer, and whether it still stands."""

import datetime
from collections.abc import Iterable, Mapping
from typing import Literal

from notebake.ledger import kinds
from notebake.ledger.entry import Entry
from notebake.recipe.recipe import Approvable
from notebake.record import Record
from notebake.timestamps import utc_from_seconds

Decision = Literal["approve", "refuse"]
Status = Literal["open", "approved", "refused", "expired", "void"]


class Answer(Record):
    """What a person has decided."""

    decision: Decision
    by: str
    """The pseudonym of the name that the person typed. Nobody has checked that name."""
    reason: str
    at: str
    """UTC, as in an entry."""
    channel: str = ""
    """Where it was typed: `Prefect`, `a terminal` or `the command line`."""


class Question(Record):
    """A question to a person, and what became of it."""

    number: int
    """The number of its entry in the log, by which people name it."""
    kind: Approvable
    recipe: str
    region: str
    run_id: str
    title: str
    digest: str
    """Of the subject that is shown."""
    image_ids: tuple[str, ...]
    asked: str
    """UTC, as in an entry."""
    until: float
    """In seconds since 1970, by the clock of the run store: then it is answered no more."""
    asked_by: str
    """The pseudonym of who, or whose schedule, asked."""
    flow_run_id: str = ""
    """The Prefect flow run that is suspended for it; "" if it was asked in a terminal."""
    answer: Answer | None = None
    voided: str = ""
    """Why question and answer count no more; "" if they do."""

    def status(self, now: float) -> Status:
        """Return whether it is open, and otherwise how it ended; `now` as in `until`."""
        if self.voided:
            return "void"
        if self.answer:
            return "approved" if self.answer.decision == "approve" else "refused"
        return "open" if now < self.until else "expired"

    @property
    def is_approved(self) -> bool:
        """Whether it was approved, and that counts."""
        return self.answer is not None and self.answer.decision == "approve" and not self.voided

    @property
    def ends(self) -> datetime.datetime:
        """When it ends if nobody answers, in UTC."""
        return utc_from_seconds(self.until)


def fold(entries: Iterable[Entry]) -> dict[int, Question]:
    """Return all questions by their numbers, in the order in which they were asked."""
    found: dict[int, Question] = {}
    for entry in entries:
        if entry.kind == kinds.ASKED:
            found[entry.sequence] = _question_of(entry)
        elif question := found.get(int(entry.body.get("approval", 0))):
            found[question.number] = _with_entry(question, entry)
    return found


def _question_of(entry: Entry) -> Question:
    known = {name: value for name, value in entry.body.items() if name in Question.model_fields}
    by_entry = {"number": entry.sequence, "asked": entry.time, "asked_by": entry.who}
    return Question.model_validate({**known, **by_entry})


def _with_entry(question: Question, entry: Entry) -> Question:
    if entry.kind == kinds.GIVEN:
        known = {name: entry.body[name] for name in Answer.model_fields if name in entry.body}
        return question.model_copy(
            update={"answer": Answer.model_validate({**known, "at": entry.time})}
        )
    if entry.kind == kinds.VOIDED:
        return question.model_copy(update={"voided": str(entry.body.get("reason", ""))})
    return question


def newest(
    questions: Mapping[int, Question], kind: Approvable, recipe: str, region: str, run_id: str
) -> Question | None:
    """Return the last question of a kind of a run, or of a recipe if no run asks."""
    place = (kind, recipe, region, run_id)
    fitting = [
        each
        for each in questions.values()
        if (each.kind, each.recipe, each.region, each.run_id) == place
    ]
    return fitting[-1] if fitting else None
