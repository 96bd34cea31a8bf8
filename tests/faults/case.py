"""A case: what goes wrong, once and for ever, and what is promised then."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from flows.recorded_step import RETRIES, RETRY_SECONDS
from notebake import timeouts

Fault = dict[str, Any]
RUN_SECONDS = 220
"""The virtual time of a whole undisturbed run: as much as comes between a fault and its error."""


@dataclass(frozen=True)
class Once:
    """It happens once, or lasts for a while: the run ends with an accepted image."""

    faults: tuple[Fault, ...]
    shows: str
    """What the journal has to show, as a pattern: that it was tried again, or made good."""
    replaced: frozenset[str] = frozenset()
    """What there may have been two of, as one was lost."""
    stretch: float = 5
    """See ForEver."""


@dataclass(frozen=True)
class ForEver:
    """It never passes: the run ends with a clear error, in time."""

    faults: tuple[Fault, ...]
    says: str
    """A pattern in the error: what was tried, on what, and what came back."""
    bounded_by: tuple[str, ...]
    """The budgets of notebake/timeouts.py that end the waiting, added up; one may be twice here."""
    tries: int = 1
    """How often a step is tried: RETRIES more where the error may pass by itself."""
    rounds: int = 1
    """TRIES_PER_EXECUTION where it is lost machines or images."""
    stretch: float = 10
    """So much less often than in truth is looked whether the wait is over."""
    kind: str = "NotebakeError"
    """The class of the error."""
    is_resumed: bool = False
    """Whether the quick form resumes the run too; it is torn down in any case."""
    passes_after_seconds: float = 0
    """What was slow goes on when so much time has passed, and with nothing else."""
    leaves_nothing: bool = False
    """It is noticed before anything is made."""

    @property
    def budget_seconds(self) -> float:
        """Return how long it may take from the first time that the fault fires to the error."""
        waits = sum(float(getattr(timeouts, timeout)) for timeout in self.bounded_by)
        pauses = sum(RETRY_SECONDS) if self.tries > 1 else 0
        return self.rounds * (self.tries * waits + pauses + RUN_SECONDS)

    @property
    def bound(self) -> str:
        """Return the budget for people."""
        counted = Counter(self.bounded_by).items()
        text = " + ".join(f"{count} {name}" if count > 1 else name for name, count in counted)
        text = text or "no wait"
        tries = f", {self.tries} tries" if self.tries > 1 else ""
        rounds = f", {self.rounds} machines" if self.rounds > 1 else ""
        return text + tries + rounds


@dataclass(frozen=True)
class Case:
    """One kind of fault."""

    name: str
    step: str
    """It is there from the moment in which this step begins."""
    once: Once | None = None
    for_ever: ForEver | Once | None = None
    """Some are survived however often they happen."""
    tour: str = "plain"
    """Which recipe is built."""
    why_not: str = ""
    """Why one of the two is not tried."""


PARTS = ("once", "for ever")


def parts_with_names(case: Case) -> list[tuple[str, Once | ForEver]]:
    """Return how a case is tried."""
    both = zip(PARTS, (case.once, case.for_ever), strict=True)
    return [(name, part) for name, part in both if part]


def trial_name(case: Case, part: Once | ForEver) -> str:
    """Return what one way to try a case is called."""
    return f"{case.name}, {PARTS[0] if part is case.once else PARTS[1]}"


STEP_TRIES = RETRIES + 1


def fault(effect: str, action: str = "*", **more: Any) -> Fault:
    """Return the description of a fault, see sandbox/faults/README.md."""
    return {"effect": effect, "action": action, **more}


def named(faults: tuple[Fault, ...]) -> list[Fault]:
    """Return the faults with names, by which they are counted."""
    return [{"name": f"fault {number}", **fault} for number, fault in enumerate(faults, 1)]


def repeated_after_loss(action: str, lost: str = "ConnectionLost") -> str:
    """Return the pattern of a call whose answer was lost, and which was made again.

    The second answer may be that it has been done already.
    """
    return rf"\.{action}: {lost}\n.*\.{action}: (?!{lost})\w+"


def retried(action: str, code: str = r"(?!OK)\w+") -> str:
    """Return the pattern of a call that was answered with an error, and later well."""
    return rf"\.{action}: {code}\n.*\.{action}: OK"


BUILDER = {"tag:notebake:role": "builder"}
ACCEPTANCE = {"tag:notebake:role": "acceptance"}
FIRST_ACCEPTANCE = {"tag:notebake:role": "acceptance", "tag:notebake:number": "1"}
TOO_LONG_SECONDS = 20_000.0
"""Longer than any wait, shorter than a lease."""
