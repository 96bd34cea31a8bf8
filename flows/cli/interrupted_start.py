"""What is said when the start of a server is interrupted: it may run by then, and cost."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from notebake.errors import NextCommand

if TYPE_CHECKING:
    from notebake.servers.launch_plan import LaunchPlan


@contextmanager
def saying_what_may_run(plan: "LaunchPlan") -> Iterator[None]:
    """Add to an interrupt that the server may run by now, and how it is removed."""
    try:
        yield
    except KeyboardInterrupt as error:
        error.add_note(f"{plan.name} may run by now, and cost. Typed again, this goes on with it.")
        whose = (plan.name, "--owner", plan.owner, "--region", plan.region)
        vars(error)["next_commands"] = (
            NextCommand(("servers", "--region", plan.region), "What runs"),
            NextCommand(("terminate", *whose), "To remove it"),
        )
        raise
