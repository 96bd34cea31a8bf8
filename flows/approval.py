"""Lets something be done only if a person has approved exactly that.

`state_of` says how the question about a subject stands; `ask` asks it, and ends the process: in
Prefect's UI the flow run is suspended, elsewhere an error says how to answer. What counts is in the
log of approvals in the run store, whoever wrote it there.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from prefect.exceptions import Pause
from prefect.runtime import flow_run

from flows.approval_text import describe_answer
from flows.next_steps import is_read_in_ui
from flows.prefect_ui import approval_form
from notebake.errors import ApprovalRefusedError, NextCommand, NotebakeError, resume
from notebake.runs.approvals.approval_log import AnswerRefusedError, ApprovalLog, ApprovalOpenError
from notebake.runs.approvals.judge import Judgement, judge
from notebake.runs.approvals.question import Question
from notebake.runs.approvals.subject import Paragraph, Subject

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wanted:
    """What needs an approval: the subject without its evidence, and how to gather that."""

    subject: Subject
    gather: Callable[[], tuple[Paragraph, ...]]
    """Called only if the question is asked: it may take some seconds."""
    location: str
    """Of the run store."""
    days: float
    """So many days the question stands."""


class ApprovalWantedError(NotebakeError):
    """A person has to answer before it goes on. Nothing runs meanwhile."""

    awaits_approval = True

    def __init__(self, question: Question) -> None:
        Exception.__init__(self, question)
        self.question = question
        self.message = (
            f"Nobody has approved yet to {question.title}: that is question {question.number}."
        )
        self.hint = (
            f"Nothing runs while it waits. It ends {question.ends:%Y-%m-%d %H:%M} UTC, and is"
            " then asked anew by whoever goes on."
        )
        shown = NextCommand(("approve", str(question.number)), "To see and answer it")
        again = (resume(question.run_id, purpose="Then"),) if question.run_id else ()
        self.next_commands = (shown, *again)


def state_of(wanted: Wanted) -> Judgement:
    """Return what follows from the last question about a subject, with an answer from the UI.

    A question that counts no more is recorded as such.

    Raises:
        RunStoreError: the store failed.
    """
    approvals = ApprovalLog(wanted.location)
    question = approvals.find(wanted.subject)
    if question and question.status(approvals.now()) in ("open", "expired"):
        question = take_answer(approvals, question) or question
    shown = approvals.shown(question) if question else None
    found = judge(wanted.subject, question, shown, approvals.now())
    if found.voids:
        log.warning("Question %s counts no more: %s", found.voids.number, found.reason)
        approvals.void(found.voids, found.reason)
    return found


def take_answer(approvals: ApprovalLog, question: Question) -> Question | None:
    """Record the answer that was typed into the form of this flow run, if there is one."""
    given = approval_form.find_answer(question)
    if given is None:
        return None
    try:
        return approvals.answer(
            question.number,
            digest=given.answer.digest,
            decision=given.answer.decision,
            name=given.answer.name,
            reason=given.answer.reason,
            channel="Prefect",
            given_at=given.at,
        )
    except AnswerRefusedError as error:
        log.warning("%s", error.message)
        return None


def ask(wanted: Wanted) -> None:
    """Ask a person, and end this process or raise; return if the answer came meanwhile.

    Raises:
        Pause: the flow run is suspended until somebody answers.
        ApprovalWantedError: it was not started in Prefect's UI, so nobody can press Resume.
        ApprovalOpenError: another question of the recipe is open.
        RunStoreError: the store failed.
    """
    found = state_of(wanted)
    if found.move in ("go on", "refused"):
        return
    approvals = ApprovalLog(wanted.location)
    question = found.question
    if question is None:
        check_none_open(wanted.subject.recipe, wanted.subject.region, wanted.location)
        subject = wanted.subject.model_copy(update={"evidence": wanted.gather()})
        flow_run_id = str(flow_run.get_id() or "") if is_read_in_ui() else ""
        question = approvals.ask(subject, days=wanted.days, flow_run_id=flow_run_id)
    shown = approvals.read_shown(question)
    log.info("Question %s: may we %s?", question.number, question.title)
    if not is_read_in_ui():
        raise ApprovalWantedError(question)
    try:
        approval_form.suspend(question, shown, approvals.now())
    except Pause:
        approval_form.show_suspended(question, shown)
        raise


def check_none_open(recipe: str, region: str, location: str) -> None:
    """Raise ApprovalOpenError if a question of a recipe is open that somebody can answer.

    A question whose flow run has ended, cancelled for example, is taken back: its form is gone.

    Raises:
        RunStoreError: the store failed.
    """
    approvals = ApprovalLog(location)
    now = approvals.now()
    for other in approvals.questions().values():
        if (other.recipe, other.region) == (recipe, region) and other.status(now) == "open":
            ended = approval_form.ended_as(other)
            if not ended:
                raise ApprovalOpenError(other)
            approvals.void(other, f"its flow run is {ended}, and nobody can answer there")


def refusal_of(question: Question | None, location: str) -> ApprovalRefusedError:
    """Return the error that says who has refused, and why."""
    if question is None:
        raise ValueError("nobody has refused anything")
    return ApprovalRefusedError(
        f"Not approved: {describe_answer(question, location)}.",
        f"That was about this plan ({question.digest}). A changed recipe, or a new run, asks anew.",
    )
