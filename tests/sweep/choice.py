"""Which of all trials are made: every one, the quick form's, or the one to be looked at."""

import re
from dataclasses import dataclass, field

from tests.sweep.points import Case, Point, is_reading

EVERY_STORE_WORLD = 8
"""The quick form looks at so few of the worlds that differ by a write of the run store only, ..."""
EVERY_HOST_WORLD = 2
"""... and at so many of those that differ by what has been done on a host."""

EVERY_EARLY_READ = 4
"""Of preflight's questions, after each of which a whole run follows, so many lose their answer."""


@dataclass
class Choice:
    """By default all."""

    cases: frozenset[Case] = frozenset(Case)
    number: int = 0
    """Only at this point."""
    step: str = ""
    """Only at the points of this step."""
    is_quick: bool = False
    every: int = 1
    """Only every so-manieth trial."""
    in_process: bool = False
    """The one trial is made in this process, to be looked at."""
    is_ec2_only: bool = False
    """Only where something in EC2 has just been changed, or asked to be."""
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
        if self.is_ec2_only and (not point.name.startswith("ec2.") or is_reading(point.name[4:])):
            return False
        if self.step not in ("", point.step):
            return False
        self.asked += 1
        return self.asked % self.every == 0

    def has_kill(self, case: Case, point: Point, version: int) -> bool:
        """Tell whether a kill in this version of the world is tried."""
        if self.is_quick and self.last_change is not None:
            is_host, is_store = not self.last_change.is_aws, is_run_stores(self.last_change)
            share = EVERY_STORE_WORLD if is_store else EVERY_HOST_WORLD if is_host else 1
            # Even and odd versions differ in who resumes: both are looked at.
            if version // 2 % share:
                return False
        return self.has(case, point)

    def has_loss(self, case: Case, point: Point, *, changed: bool) -> bool:
        """Tell whether an answer is lost; the quick form loses that of each kind of call once."""
        if self.is_ec2_only and not changed:
            return False
        if self.is_quick and not (changed and point.is_aws and not is_run_stores(point)):
            key = f"{case} {kind_of(point)}"
            is_early = point.step == "preflight" and point.number % EVERY_EARLY_READ
            if key in self.lost_already or case is Case.SILENT or is_early:
                return False
            self.lost_already.add(key)
        return self.has(case, point)


def is_run_stores(point: Point) -> bool:
    return point.name.startswith("s3.")


def kind_of(point: Point) -> str:
    """Return what calls have in common that differ in their arguments only."""
    return point.name if point.is_aws else re.sub(r"[\d/'].*", "", point.name)[:40]
