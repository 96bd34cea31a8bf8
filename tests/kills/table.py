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
    record: int
    """Faults of the record."""


def lines(cases: Iterable[tuple[Point, Case, Trial]]) -> list[Line]:
    """Return one line for each kind of case, and their sum."""
    found = list(cases)
    kinds = [kind for kind in Case if any(case is kind for _, case, _ in found)]
    table = [_line(str(kind), [entry for entry in found if entry[1] is kind]) for kind in kinds]
    return [*table, _line("all", found)]


def _line(name: str, cases: list[tuple[Point, Case, Trial]]) -> Line:
    verdicts = [trial.verdict or Verdict() for _, _, trial in cases]
    return Line(
        name,
        len(cases),
        len({id(trial) for _, _, trial in cases}),
        sum(verdict.completed for verdict in verdicts),
        sum(verdict.completed and verdict.by_itself for verdict in verdicts),
        sum(len(verdict.doubled) for verdict in verdicts),
        sum(len(verdict.left) for verdict in verdicts),
        sum(len(verdict.record) for verdict in verdicts),
    )


def as_text(table: list[Line]) -> str:
    """Return the table as people read it."""
    head = ("", "cases", "worlds", "ended well", "untouched", "doubled", "left", "record")
    rows = [
        (
            line.case,
            line.cases,
            line.worlds,
            line.completed,
            line.by_itself,
            line.doubled,
            line.left,
            line.record,
        )
        for line in table
    ]
    width = max(len(str(row[0])) for row in rows)
    shown = [
        f"{row[0]!s:<{width}}" + "".join(f"{cell!s:>12}" for cell in row[1:])
        for row in (head, *rows)
    ]
    return "\n".join(shown)


def failures(trials: Iterable[Trial]) -> list[str]:
    """Return a paragraph for each trial that did not end well."""
    return [paragraph(trial) for trial in trials if not (trial.verdict and trial.verdict.is_good)]


def resumed(trials: Iterable[Trial]) -> list[str]:
    """Return a line for each trial in which an answer was lost and somebody had to resume."""
    alone = (trial for trial in trials if trial.verdict and not trial.verdict.by_itself)
    return [
        f"resumed after: {trial.label}: {(trial.verdict or Verdict()).error}" for trial in alone
    ]


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
    facts = [
        ("error", verdict.error),
        ("doubled", verdict.doubled),
        ("left", verdict.left),
        ("record", verdict.record),
    ]
    return [(name, value) for name, value in facts if value]
