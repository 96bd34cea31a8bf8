"""Shows a question in a terminal, and asks whoever sits there."""

import sys

from flows.approval_text import lines_of
from flows.terminal.console import open_console
from notebake.humanize import clean_text
from notebake.runs.approvals.approval_log import ApprovalLog
from notebake.runs.approvals.question import Decision, Question

DECISIONS: dict[str, Decision] = {"approve": "approve", "refuse": "refuse"}


def ask_in_terminal(question: Question, location: str) -> bool:
    """Show a question and take an answer; return False if nobody sits there, or none was typed.

    Raises:
        AnswerRefusedError: somebody else was faster, or the question has ended meanwhile.
        NotebakeError: what it shows is not in the run store any more, or the store failed.
    """
    if not sys.stdin.isatty():
        return False
    approvals = ApprovalLog(location)
    show_question(approvals, question)
    decision = ask_decision()
    if decision is None:
        return False
    name, reason = ask_line("Your name"), ask_line("The reason, which the record keeps for good")
    if not name or not reason:
        return False
    approvals.answer(
        question.number,
        digest=question.digest,
        decision=decision,
        name=name,
        reason=reason,
        channel="a terminal",
    )
    return True


def show_question(approvals: ApprovalLog, question: Question, *, shows_all: bool = False) -> None:
    """Print what a question shows.

    Raises:
        NotebakeError: that is not in the run store any more, or was changed there.
    """
    console = open_console()
    console.print()
    for line in lines_of(question, approvals.read_shown(question), shows_all=shows_all):
        console.print(clean_text(line), markup=False, soft_wrap=not console.is_terminal)
    console.print()


def ask_decision() -> Decision | None:
    """Ask until it is a decision, or nothing."""
    while typed := ask_line("Type approve or refuse, or nothing to leave it open"):
        if decision := DECISIONS.get(typed.lower()):
            return decision
    return None


def ask_line(what: str) -> str:
    """Return what is typed after a question, on one line."""
    sys.stderr.write(f"{what}: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip()
