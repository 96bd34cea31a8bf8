"""The steps of the build, in order, each with its predecessors."""

import importlib
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


def steps_to_undo(plan: Plan = BUILD) -> list[Step]:
    """Return the steps with an undo, last step first."""
    return [step for step in reversed(list(plan)) if step.undo]
