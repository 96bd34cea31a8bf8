"""Runs that fail, and whose telling or tear-down fails as well."""

from collections.abc import Callable
from typing import Any

from flows import failure as telling_failures
from notebake.machines import failure_report
from notebake.runs.run import Run
from tests.faults.faulty_world import LOCATION, FaultyWorld, furnish
from tests.kills import whole_run
from tests.replacement import replace
from tests.stories.outcomes import At, Outcome, Story, die_at, left, resumed, run_to_end, torn_down

FIRST = {
    "name": "first",
    "effect": "refuse",
    "action": "CreateImage",
    "code": "InvalidParameterValue",
    "message": "THE FIRST FAILURE",
}
SECOND = {
    "name": "second",
    "effect": "refuse",
    "action": "DeleteSecurityGroup",
    "code": "UnauthorizedOperation",
    "message": "THE SECOND FAILURE",
}


class UnforeseenError(Exception):
    """What nobody has thought of."""


def begin(world: FaultyWorld, *, on_failure: str = "keep") -> Run:
    """Begin a run in an account that has what it needs."""
    world.recipe = world.recipe.model_copy(update={"on_failure": on_failure})
    return furnish(world)


def both_fail(world: FaultyWorld) -> Outcome:
    run = begin(world, on_failure="tear_down")
    world.interceptor = At("request_image", lambda: world.put(FIRST, SECOND))
    build = resumed(run)
    return {"build": build, "fired": world.fired(), "left": left(world)}


def only_the_build_fails(world: FaultyWorld) -> Outcome:
    run = begin(world, on_failure="tear_down")
    world.interceptor = At("request_image", lambda: world.put(FIRST))
    return {"build": resumed(run), "fired": world.fired(), "left": left(world)}


def the_machine_is_kept(world: FaultyWorld) -> Outcome:
    run = begin(world)
    world.interceptor = At("request_image", lambda: world.put(FIRST))
    return {"build": resumed(run), "fired": world.fired(), "left": left(world)}


def raising(error: BaseException) -> Callable[..., Any]:
    """Return what raises an error whatever it is called with."""

    def work(*_: object, **__: object) -> Any:
        raise error

    return work


def unforeseen(world: FaultyWorld) -> Outcome:
    run = begin(world)
    at = world.interceptor = At("install_software", raising(UnforeseenError("the bug")))
    return {"build": resumed(run), "fired": at.happened, "log": errors(world)}


def both_unforeseen(world: FaultyWorld) -> Outcome:
    run = begin(world, on_failure="tear_down")
    second = At("tear_down", raising(UnforeseenError("the other bug")))

    def first() -> None:
        world.interceptor = second
        raise UnforeseenError("the bug")

    world.interceptor = At("install_software", first)
    return {"build": resumed(run), "fired": second.happened}


def interrupted(world: FaultyWorld) -> Outcome:
    run = begin(world)
    at = world.interceptor = At("install_software", raising(KeyboardInterrupt()))
    return {"build": resumed(run), "fired": at.happened, "log": errors(world)}


def interrupted_and_torn_down(world: FaultyWorld) -> Outcome:
    """Ctrl-C, and a recipe that wants nothing to stay."""
    run = begin(world, on_failure="tear_down")
    at = world.interceptor = At("install_software", raising(KeyboardInterrupt()))
    return {"build": resumed(run), "fired": at.happened, "log": errors(world)}


def interrupted_in_the_tear_down(world: FaultyWorld) -> Outcome:
    """The build has failed, and somebody loses patience with its tear-down."""
    run = begin(world, on_failure="tear_down")
    second = At("tear_down", raising(KeyboardInterrupt()))

    def first() -> None:
        world.put(FIRST)
        world.interceptor = second

    world.interceptor = At("request_image", first)
    return {"build": resumed(run), "fired": second.happened}


def tear_down_unforeseen(world: FaultyWorld) -> Outcome:
    run = begin(world)
    die_at(world, run, "install_software")
    world.new_process(same_machine=True)
    at = world.interceptor = At("tear_down", raising(UnforeseenError("the bug")))
    return {"tear-down": torn_down(run), "fired": at.happened}


def failure_report_breaks(world: FaultyWorld) -> Outcome:
    """What would tell what is left has a bug of its own."""
    run = begin(world)
    world.interceptor = At("request_image", lambda: world.put(FIRST))
    replace(failure_report, find_leftovers=raising(UnforeseenError("no words")))
    return {"build": resumed(run), "fired": world.fired()}


def failure_report_is_interrupted(world: FaultyWorld) -> Outcome:
    run = begin(world)
    world.interceptor = At("request_image", lambda: world.put(FIRST))
    replace(failure_report, find_leftovers=raising(KeyboardInterrupt()))
    return {"build": resumed(run), "fired": world.fired()}


def errors_printed_once(world: FaultyWorld) -> Outcome:
    """The command that started the flow tells nothing twice."""
    run = begin(world)
    world.interceptor = At("request_image", lambda: world.put(FIRST))

    def typed() -> None:
        with telling_failures.reporting_failures(run):
            whole_run.take_up(run.id, LOCATION)

    return {"build": run_to_end(typed), "fired": world.fired()}


def errors(world: FaultyWorld) -> str:
    """Return what was logged as an error, as Prefect's UI shows it."""
    return "\n".join(line for line in world.journal if line.startswith("ERROR"))


STORIES: dict[str, Story] = {
    story.__name__: story
    for story in (
        both_fail,
        only_the_build_fails,
        the_machine_is_kept,
        unforeseen,
        both_unforeseen,
        interrupted,
        interrupted_and_torn_down,
        interrupted_in_the_tear_down,
        tear_down_unforeseen,
        failure_report_breaks,
        failure_report_is_interrupted,
        errors_printed_once,
    )
}
