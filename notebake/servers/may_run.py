"""What is said when a start fails, or is interrupted, after its launch: a machine costs money."""

from collections.abc import Iterator
from contextlib import contextmanager

from notebake.errors import NextCommand, NotebakeError, ResourceLostError
from notebake.local.usual_region import region_words
from notebake.servers.next_command import NamedServer, command_on


@contextmanager
def saying_what_runs(server: NamedServer, instance_id: str) -> Iterator[None]:
    """Add to an error of the block that this machine of a server runs, and how it is removed."""
    try:
        yield
    except ResourceLostError:
        raise
    except NotebakeError as error:
        add_what_runs(error, server, instance_id)
        raise


def add_what_runs(error: NotebakeError, server: NamedServer, instance_id: str = "") -> None:
    """Add it to an error once; without an id it is not known whether there is a machine."""
    commands = commands_after(server)
    if set(commands) <= set(error.next_commands):
        return
    said = f"{server.name} ({instance_id}) runs, and costs" if instance_id else may_run(server)
    error.hint = "\n".join(filter(None, (error.hint, f"{said}. The same start goes on with it.")))
    error.with_next(*commands)


def may_run(server: NamedServer) -> str:
    """Return that a server may run, where nothing more is known."""
    return f"{server.name} may run by now, and cost"


def commands_after(server: NamedServer) -> tuple[NextCommand, ...]:
    """Return what shows whether a machine runs, and what removes it."""
    return (
        NextCommand(("servers", *region_words(server.region)), "What runs"),
        command_on(server, "terminate", purpose="To remove it"),
    )
