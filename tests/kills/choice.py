"""Which of all trials are made: every one, the day's share, or the one to be looked at."""

import re
from dataclasses import dataclass, field

from tests.draw import is_drawn
from tests.kills.points import Case, Point, is_reading

COSTLY = frozenset(("ec2.RunInstances", "ec2.CreateImage"))
"""What costs most when it is doubled."""
ALWAYS_IN = frozenset(("launch_instance", "request_image"))
"""All trials at the costly calls of these steps are in each day's share: at the image, and at the
builder's launch, whose code launches the machines of the proof as well."""
AWS_SHARE = 0.02
"""Of the trials at another change of AWS, and of the lost answers to a kind of question, so many
are in a day's share, ..."""
HOST_SHARE = 0.006
"""... of those after work on a host so many, ..."""
BETWEEN_STEPS = "-"
STORE_SHARE = 0.0015
"""... and so many of those after a write of the run store only."""


@dataclass
class Choice:
    """By default all."""

    cases: frozenset[Case] = frozenset(Case)
    number: int = 0
    """Only at this point."""
    step: str = ""
    """Only at the points of this step, or of none: `BETWEEN_STEPS`."""
    is_share: bool = False
    """Only what is drawn for the day."""
    every: int = 1
    """Only every so-manieth trial."""
    in_process: bool = False
    """The one trial is made in this process, to be looked at."""
    is_ec2_only: bool = False
    """Only where something in EC2 has just been changed, or asked to be."""
    offered: int = 0
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
        if self.step and self.step != (point.step or BETWEEN_STEPS):
            return False
        self.offered += 1
        return self.offered % self.every == 0

    def has_kill(self, case: Case, point: Point, version: int) -> bool:
        """Tell whether a kill in this version of the world is tried."""
        share = share_of(self.last_change) if self.last_change else AWS_SHARE
        if self.is_share and not is_drawn(f"kill in world {version}", share):
            return False
        return self.has(case, point)

    def has_more(self, case: Case, point: Point) -> bool:
        """Tell whether a change is tried in this other way."""
        if self.is_share and not is_drawn(f"{case} {point.number}", share_of(point)):
            return False
        return self.has(case, point)

    def has_loss(self, case: Case, point: Point, *, changed: bool) -> bool:
        """Tell whether an answer is lost; a share has that of each kind of question once."""
        if self.is_ec2_only and not changed:
            return False
        if changed and point.is_aws:
            return self.has_more(case, point)
        if self.is_share:
            kind = f"{case} {kind_of(point)}"
            if kind in self.lost_already or case is Case.SILENT or not is_drawn(kind, AWS_SHARE):
                return False
            self.lost_already.add(kind)
        return self.has(case, point)


def share_of(change: Point) -> float:
    """Return which share of the trials at a change, and in the world after it, a day has."""
    if change.name in COSTLY and change.step in ALWAYS_IN:
        return 1
    if not change.is_aws:
        return HOST_SHARE
    return STORE_SHARE if is_run_stores(change) else AWS_SHARE


def is_run_stores(point: Point) -> bool:
    return point.name.startswith("s3.")


def kind_of(point: Point) -> str:
    """Return what calls have in common that differ in their arguments only."""
    return point.name if point.is_aws else re.sub(r"[\d/'].*", "", point.name)[:40]
