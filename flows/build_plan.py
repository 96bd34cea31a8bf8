"""The order of the build: each step with its find, make and undo, and what it follows."""

import importlib
from collections.abc import Mapping

from notebake.runbook.plan import PLAN
from notebake.runbook.progress import Titles
from notebake.runbook.step import Step

Plan = Mapping[Step, tuple[Step, ...]]
"""Steps, each with those that it follows, in the order in which people see them."""


def step_of(name: str) -> Step:
    """Return the step that a file of `tasks/` is."""
    step: Step = importlib.import_module(f"tasks.{name}").STEP
    return step


BUILD: Plan = {
    step_of(name): tuple(step_of(before) for before in (*planned.follows, *planned.later_than))
    for name, planned in PLAN.items()
}

TEAR_DOWN = ("tear_down", "Remove what was temporary")
"""Not one of the build's steps, but shown and timed like one."""


def titles(plan: Plan = BUILD) -> Titles:
    """Return names and titles, for showing progress."""
    return [(step.name, step.title) for step in plan]


def undoing(plan: Plan = BUILD) -> list[Step]:
    """Return the steps that have something to undo, the newest first."""
    return [step for step in reversed(list(plan)) if step.undo]
