"""What a check found: that something is in order, that it is wrong, or that nobody could tell."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from notebake.errors import CloudError, NotebakeError
from notebake.record import Record
from notebake.runs.lock import RunLostError
from notebake.runs.run import Run

UNANSWERED_CODES = frozenset(
    (
        "403",
        "AccessDenied",
        "AccessDeniedException",
        "InvalidAction",
        "UnauthorizedOperation",
        "UnsupportedOperation",
    )
)
"""Refusals of a question, which say nothing about what was asked."""


class CheckResult(StrEnum):
    """How a question was answered."""

    GOOD = "good"
    WRONG = "wrong"
    NOT_CHECKED = "not_checked"


class Finding(Record):
    """One answer, as a sentence; `hint` says what to do about it."""

    verdict: CheckResult
    sentence: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.sentence} {self.hint}".strip()


def good(sentence: str) -> Finding:
    """Return that something is in order: only ever after an answer."""
    return Finding(verdict=CheckResult.GOOD, sentence=sentence)


def wrong(sentence: str, hint: str = "") -> Finding:
    """Return that the run cannot succeed as things are."""
    return Finding(verdict=CheckResult.WRONG, sentence=sentence, hint=hint)


def not_checked(sentence: str, hint: str = "") -> Finding:
    """Return that a question could not be answered, and why."""
    return Finding(verdict=CheckResult.NOT_CHECKED, sentence=sentence, hint=hint)


@dataclass(frozen=True)
class Check:
    """One question, or some that belong together."""

    ask: Callable[[Run], Iterable[Finding]]
    is_needed: bool = False
    """Whether the build itself asks the same: then being refused the question is wrong."""


def carry_out_check(check: Check, run: Run) -> list[Finding]:
    """Return what a check found, and where it could not be asked to the end, why."""
    found: list[Finding] = []
    try:
        found.extend(check.ask(run))
    except RunLostError:
        raise
    except CloudError as error:
        is_open = error.is_transient or not error.code
        is_refused = error.code in UNANSWERED_CODES and not check.is_needed
        found.append(
            (not_checked if is_open or is_refused else wrong)(error.message, str(error.advice))
        )
    except NotebakeError as error:
        found.append(wrong(error.message, str(error.advice)))
    return found


def with_verdict(findings: Iterable[Finding], verdict: CheckResult) -> list[Finding]:
    """Return the findings of one verdict, each sentence once, with its hint where one had it."""
    chosen: dict[str, Finding] = {}
    for one in findings:
        if one.verdict is verdict and (one.hint or one.sentence not in chosen):
            chosen[one.sentence] = one
    return list(chosen.values())
