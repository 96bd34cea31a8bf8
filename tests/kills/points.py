"""Where a run may be killed: each call to AWS and each word to a host, and how."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

READING = ("Describe", "Get", "List", "Head")


class Case(StrEnum):
    """What happens at a point."""

    BEFORE = "killed before it"
    AFTER = "killed after its effect, before the answer"
    ANSWERED = "killed after the answer"
    LOST = "answer lost once"
    SILENT = "no answer to any try"
    TWICE = "killed, and killed again on resuming"
    ABANDONED = "killed and never resumed"


@dataclass(frozen=True)
class Point:
    """One passing from the run to the world."""

    number: int
    step: str
    name: str
    """`ec2.RunInstances`, or the first words that a host is told."""
    is_aws: bool

    @property
    def label(self) -> str:
        return f"{self.number} {self.step or 'between steps'} / {self.name}"


class Interceptor(Protocol):
    """What stands between the run and the world."""

    def before(self, point: Point) -> None:
        """Let it pass, or never return."""

    def after(self, point: Point, *, changed: bool) -> bool:
        """Return whether the answer is lost; or never return."""


class PassThrough:
    """Lets everything pass."""

    def before(self, point: Point) -> None:
        del point

    def after(self, point: Point, *, changed: bool) -> bool:
        del point, changed
        return False


def is_reading(action: str) -> bool:
    """Tell whether an action of AWS changes nothing."""
    return action.startswith(READING)
