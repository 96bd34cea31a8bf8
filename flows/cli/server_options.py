"""The options that all commands on servers share."""

import argparse
from typing import TYPE_CHECKING

from flows.cli.arguments import add_region, complete_with
from flows.cli.completers import find_opened_servers
from notebake.local.usual_region import usual_region

if TYPE_CHECKING:
    from notebake.servers.server import Server


def add_server(parser: argparse.ArgumentParser, *, is_optional: bool = False) -> None:
    """Add the name of a server, its owner and its region."""
    name = parser.add_argument(
        "name",
        nargs="?" if is_optional else None,
        help="name of the server, or its instance id",
    )
    complete_with(find_opened_servers, name)
    add_owner(parser)
    add_region(parser)


def add_owner(parser: argparse.ArgumentParser) -> None:
    """Add the owner of a server."""
    parser.add_argument(
        "--owner", default="", help="whose server it is; default: you, by your AWS credentials"
    )


def owner_of(given: argparse.Namespace) -> str:
    """Return the owner that was given, or the person whose credentials these are."""
    from notebake.aws.identity import current_caller
    from notebake.servers import names

    return given.owner or names.owner_of(current_caller(given.region or usual_region()))


def server_of(given: argparse.Namespace) -> "Server":
    """Return the server that was named: that of the owner, or without one the only one.

    Raises:
        NoSuchServerError: there is none of this name.
        SeveralServersError: there are several.
    """
    from notebake.servers.find import find_own_server, find_server

    find = find_own_server if given.owner else find_server
    return find(given.name, owner_of(given), given.region or usual_region())
