"""Stories: whole runs in a world of one process, to which something happens; each says how it went.

A story is a function of the world. It is told in a copy of the process in which a whole run has
been rehearsed, so that it takes a second. `python -m tests.stories MODULE --report FILE`.
"""

import contextvars
from collections.abc import Callable
from inspect import unwrap
from typing import Any

from flows import tear_down
from notebake.errors import Advice, next_commands_of
from notebake.runs.open_store import open_store
from notebake.runs.registry import load_run
from notebake.runs.run import Run
from tests.faults.faulty_world import LOCATION, FaultyWorld
from tests.kills import whole_run
from tests.kills.points import PassThrough, Point

Outcome = dict[str, Any]
Story = Callable[[FaultyWorld], Outcome]


class Killed(BaseException):
    """The process that executed the run is no more."""


class Steps(PassThrough):
    """Lets something happen as each of some steps begins, once each."""

    def __init__(self, happenings: dict[str, Callable[[], None]]) -> None:
        self.waiting, self.happened = dict(happenings), list[str]()

    def before(self, point: Point) -> None:
        if happen := self.waiting.pop(point.step, None):
            self.happened.append(point.step)
            happen()


class At(Steps):
    """Lets something happen once, when a step begins."""

    def __init__(self, step: str, happen: Callable[[], None]) -> None:
        super().__init__({step: happen})


def die() -> None:
    """Be killed here."""
    raise Killed


def die_at(world: FaultyWorld, run: Run, step: str, location: str = LOCATION) -> None:
    """Execute a run until it is killed where a step begins."""
    world.interceptor = At(step, die)
    outcome = run_to_end(lambda: whole_run.take_up(run.id, location))
    assert outcome["kind"] == "Killed", outcome
    world.interceptor = PassThrough()


def run_to_end(work: Callable[[], object]) -> Outcome:
    """Do some work as an execution of its own, and tell how it ended."""
    try:
        result = contextvars.Context().run(work)
    except BaseException as error:  # noqa: BLE001 - told
        notes = "\n".join(getattr(error, "__notes__", ()))
        return {
            "kind": type(error).__name__,
            "message": str(getattr(error, "message", error)),
            "hint": str(Advice(getattr(error, "hint", "") + notes, next_commands_of(error))),
        }
    return {"kind": "ended well", "message": str(result), "hint": ""}


def resumed(run: Run, location: str = LOCATION) -> Outcome:
    """Resume a run, and tell how that ended."""
    return run_to_end(lambda: whole_run.take_up(run.id, location))


def torn_down(run: Run, location: str = LOCATION) -> Outcome:
    """Tear a run down, and tell how that ended."""
    return run_to_end(lambda: unwrap(tear_down.tear_down.fn)(run.id, location))


def load_stored(run: Run, location: str = LOCATION) -> Run:
    """Return the run as its store has it."""
    return load_run(run.id, open_store(location))


def left(world: FaultyWorld, *kinds: str) -> list[str]:
    """Return what there is beside accepted images, of all kinds or of some."""
    world.history.look()
    return [line for line in world.history.left() if not kinds or line.startswith(kinds)]


def logged(world: FaultyWorld) -> list[str]:
    """Return the warnings and errors so far, oldest first."""
    return [line for line in world.journal if line.startswith(("WARNING", "ERROR"))]
