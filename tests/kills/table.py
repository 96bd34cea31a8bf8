"""What the kill test found, for people and for the tests."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.draw import SEED, fix_seed
from tests.kills.points import Case, Point
from tests.kills.trials import Trial, Verdict

ENDED_BY_OTHERS = (Case.ABANDONED,)


@dataclass(frozen=True)
class Line:
    """All cases of one kind."""

    case: str
    cases: int
    worlds: int
    completed: int
    by_itself: int
    doubled: int
    left: int


def lines(cases: Iterable[tuple[Point, Case, Trial]]) -> list[Line]:
    """Return one line for each kind of case, and their sum."""
    found = list(cases)
    kinds = [one for one in Case if any(case is one for _, case, _ in found)]
    table = [_line(str(kind), [one for one in found if one[1] is kind]) for kind in kinds]
    return [*table, _line("all", found)]


def _line(name: str, cases: list[tuple[Point, Case, Trial]]) -> Line:
    verdicts = [trial.verdict or Verdict() for _, _, trial in cases]
    return Line(
        name,
        len(cases),
        len({id(trial) for _, _, trial in cases}),
        sum(one.completed for one in verdicts),
        sum(one.completed and one.by_itself for one in verdicts),
        sum(len(one.doubled) for one in verdicts),
        sum(len(one.left) for one in verdicts),
    )


def as_text(table: list[Line]) -> str:
    """Return the table as people read it."""
    head = ("", "cases", "worlds", "ended well", "untouched", "doubled", "left")
    rows = [
        (one.case, one.cases, one.worlds, one.completed, one.by_itself, one.doubled, one.left)
        for one in table
    ]
    width = max(len(str(row[0])) for row in rows)
    shown = [
        f"{row[0]!s:<{width}}" + "".join(f"{cell!s:>12}" for cell in row[1:])
        for row in (head, *rows)
    ]
    return "\n".join(shown)


def failures(trials: Iterable[Trial]) -> list[str]:
    """Return a paragraph for each trial that did not end well."""
    return [paragraph(one) for one in trials if not (one.verdict and one.verdict.is_good)]


def resumed(trials: Iterable[Trial]) -> list[str]:
    """Return a line for each trial in which an answer was lost and somebody had to resume."""
    alone = (one for one in trials if one.verdict and not one.verdict.by_itself)
    return [f"resumed after: {one.label}: {(one.verdict or Verdict()).error}" for one in alone]


def described(trial: Trial) -> dict[str, Any]:
    """Return a trial as JSON knows it."""
    verdict = trial.verdict or Verdict()
    return {"trial": trial.label, "seconds": verdict.seconds, "passed": verdict.passed}


def paragraph(trial: Trial) -> str:
    """Return what went wrong in a trial, and how to see it again."""
    verdict = trial.verdict or Verdict(error="it never reported")
    command = f"python -m tests.kills --point {trial.point.number}"
    replay = f"{SEED}={fix_seed()} {command} --case {trial.case.name.lower()}"
    parts = [f"{trial.label}", f"  replay: {replay}"]
    parts += [f"  {name}: {value}" for name, value in _facts(verdict)]
    return "\n".join(parts)


def _facts(verdict: Verdict) -> list[tuple[str, object]]:
    facts = [("error", verdict.error), ("doubled", verdict.doubled), ("left", verdict.left)]
    return [(name, value) for name, value in facts if value]
