"""What follows from the last question about a subject: a function of what is known alone."""

from typing import Literal

from notebake.record import Record
from notebake.runs.approvals.question import Question
from notebake.runs.approvals.subject import Subject, differing_facts

Move = Literal["ask", "wait", "go on", "refused"]


class Judgement(Record):
    """What to do, and why the last question counts no more, if there was one."""

    move: Move
    question: Question | None = None
    """The question that counts, unless there is to be another one."""
    voids: Question | None = None
    """The question that is to be marked as counting no more."""
    reason: str = ""
    """Why it does."""


def judge(
    subject: Subject, question: Question | None, shown: Subject | None, now: float
) -> Judgement:
    """Return what follows; `shown` is what `question` has shown, None if that was lost or changed.

    An answer holds for exactly what was shown: if now something else would be done, the answer,
    a refusal too, counts no more.
    """
    if question is None:
        return Judgement(move="ask")
    status = question.status(now)
    if status in ("void", "expired"):
        return Judgement(move="ask")
    if shown is None or shown.digest != question.digest:
        reason = "what was shown is not in the run store any more, or was changed there"
        return Judgement(move="ask", voids=question, reason=reason)
    anew = subject.with_evidence_of(shown)
    if anew.digest != question.digest:
        reason = f"something else would be done now: {differing_facts(shown, anew)}"
        return Judgement(move="ask", voids=question, reason=reason)
    if status == "open":
        return Judgement(move="wait", question=question)
    move: Move = "go on" if status == "approved" else "refused"
    return Judgement(move=move, question=question)
