"""The findings of checks: good, a warning, wrong, or not checked."""

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
"""Errors of a query that make its result unknown."""


class CheckResult(StrEnum):
    """The result of a check."""

    GOOD = "good"
    WARNING = "warning"
    WRONG = "wrong"
    NOT_CHECKED = "not_checked"


class Finding(Record):
    """One result as a sentence, and a hint what to do about it."""

    verdict: CheckResult
    sentence: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.sentence} {self.hint}".strip()


def good(sentence: str) -> Finding:
    """Return the finding of a successful check."""
    return Finding(verdict=CheckResult.GOOD, sentence=sentence)


def warning(sentence: str, hint: str = "") -> Finding:
    """Return the finding that the run can succeed, and that somebody may object to it."""
    return Finding(verdict=CheckResult.WARNING, sentence=sentence, hint=hint)


def wrong(sentence: str, hint: str = "") -> Finding:
    """Return the finding that the run cannot succeed."""
    return Finding(verdict=CheckResult.WRONG, sentence=sentence, hint=hint)


def not_checked(sentence: str, hint: str = "") -> Finding:
    """Return the finding that something could not be checked, and why."""
    return Finding(verdict=CheckResult.NOT_CHECKED, sentence=sentence, hint=hint)


@dataclass(frozen=True)
class Check:
    """A check, and whether the build makes the same query."""

    run: Callable[[Run], Iterable[Finding]]
    is_needed: bool = False
    """Whether the build makes the same query: then a refusal is wrong, not unchecked."""


def carry_out_check(check: Check, run: Run) -> list[Finding]:
    """Return the findings of a check, with the error if it failed."""
    found: list[Finding] = []
    try:
        found.extend(check.run(run))
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
    """Return the findings with a verdict, each sentence once, with a hint if any has one."""
    chosen: dict[str, Finding] = {}
    for finding in findings:
        if finding.verdict is verdict and (finding.hint or finding.sentence not in chosen):
            chosen[finding.sentence] = finding
    return list(chosen.values())
