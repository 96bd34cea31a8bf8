"""The steps of the build, in order, each with its predecessors."""

import importlib
import itertools
from collections.abc import Mapping

from notebake.runbook.plan import PLAN
from notebake.runbook.progress import Titles
from notebake.runbook.step import Step

Plan = Mapping[Step, tuple[Step, ...]]
"""Steps with their predecessors, in the order in which they are shown."""


def load_step(name: str) -> Step:
    """Return the step that a file of `tasks/` defines."""
    step: Step = importlib.import_module(f"tasks.{name}").STEP
    return step


BUILD: Plan = {
    load_step(name): tuple(load_step(other) for other in (*planned.follows, *planned.later_than))
    for name, planned in PLAN.items()
}

TEAR_DOWN = ("tear_down", "Remove what was temporary")
"""Name and title. It is no step of the build, but shown and timed like one."""


def titles(plan: Plan = BUILD) -> Titles:
    """Return the names and titles of the steps."""
    return [(step.name, step.title) for step in plan]


UNDONE_AT_ONCE = ("launch_acceptance", "request_image", "snapshot_disks", "launch_instance")
"""In a tear-down machines, image and snapshots do not need each other any more, and EC2 takes as
long to end three machines as to end one."""


def steps_to_undo(plan: Plan = BUILD) -> list[tuple[Step, ...]]:
    """Return the steps with an undo in groups, last step first; those of a group go at once."""
    undone = [step for step in reversed(list(plan)) if step.undo]
    groups = itertools.groupby(undone, lambda step: step.name in UNDONE_AT_ONCE or step.name)
    return [tuple(group) for _, group in groups]
