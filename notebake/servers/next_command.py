"""The commands on a server that are to be typed next, by whoever reads them.

That may be another person than whose server it is, with one of this name, too: so its owner is
always named.
"""

from typing import Protocol

from notebake.errors import NextCommand
from notebake.local.usual_region import region_words


class NamedServer(Protocol):
    """Whatever says which server is meant."""

    @property
    def name(self) -> str: ...
    @property
    def owner(self) -> str: ...
    @property
    def region(self) -> str: ...


def command_on(
    server: NamedServer, verb: str, *options: str, purpose: str = "To go on"
) -> NextCommand:
    """Return a command on this server and no other; its region is named as `region_words` does."""
    words = (verb, server.name, *options, "--owner", server.owner, *region_words(server.region))
    return NextCommand(words, purpose)
