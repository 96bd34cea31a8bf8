"""What is said when the start of a server is interrupted: it may run by then, and cost."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from notebake.servers.launch_plan import LaunchPlan


@contextmanager
def saying_what_may_run(plan: "LaunchPlan") -> Iterator[None]:
    """Add to an interrupt that the server may run by now, and how it is removed."""
    try:
        yield
    except KeyboardInterrupt as error:
        from notebake.servers.may_run import commands_after, may_run

        error.add_note(f"{may_run(plan)}. Typed again, this goes on with it.")
        vars(error)["next_commands"] = commands_after(plan)
        raise
