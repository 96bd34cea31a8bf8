"""Which of all trials are made: every one, the quick form's, or the one to be looked at."""

import re
from dataclasses import dataclass, field

from tests.sweep.points import Case, Point

EVERY_STORE_WORLD = 5
"""The quick form looks at each fifth of the worlds that differ by a write of the run store only."""


@dataclass
class Choice:
    """By default all."""

    cases: frozenset[Case] = frozenset(Case)
    number: int = 0
    """Only at this point."""
    is_quick: bool = False
    every: int = 1
    """Only every so-manieth trial."""
    in_process: bool = False
    """The one trial is made in this process, to be looked at."""
    asked: int = 0
    lost_already: set[str] = field(default_factory=set)
    last_change: Point | None = None

    def note_change(self, point: Point) -> None:
        """Remember by what the world has changed."""
        self.last_change = point

    def has(self, case: Case, point: Point) -> bool:
        """Tell whether a case is tried at a point."""
        if case not in self.cases or self.number not in (0, point.number):
            return False
        self.asked += 1
        return self.asked % self.every == 0

    def has_kill(self, case: Case, point: Point, version: int) -> bool:
        """Tell whether a kill in this version of the world is tried."""
        is_stores = self.last_change is not None and is_run_stores(self.last_change)
        if self.is_quick and is_stores and version % EVERY_STORE_WORLD:
            return False
        return self.has(case, point)

    def has_loss(self, case: Case, point: Point, *, changed: bool) -> bool:
        """Tell whether an answer is lost; the quick form loses that of each kind of call once."""
        if self.is_quick and not (changed and point.is_aws and not is_run_stores(point)):
            key = f"{case} {kind_of(point)}"
            if key in self.lost_already or (case is Case.SILENT and is_run_stores(point)):
                return False
            self.lost_already.add(key)
        return self.has(case, point)


def is_run_stores(point: Point) -> bool:
    return point.name.startswith("s3.")


def kind_of(point: Point) -> str:
    """Return what calls have in common that differ in their arguments only."""
    return point.name if point.is_aws else re.sub(r"[\d/'].*", "", point.name)[:40]
