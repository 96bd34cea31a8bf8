"""The command `keep`: keep a notebook server from stopping by itself for a while."""

import argparse

from flows.cli.exit_codes import DONE
from flows.cli.server_options import add_server, server_of

EXAMPLE = "notebake keep ocean --for 3h"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    add_server(parser)
    parser.add_argument(
        "--for",
        dest="length",
        required=True,
        metavar="TIME",
        help="how long, as 3h or 90m; at most 168h",
    )
    parser.set_defaults(does_work=True)


def run(given: argparse.Namespace) -> int:
    """Set until when the server is kept."""
    from flows.terminal.console import open_console
    from flows.terminal.plain_lines import print_whole_words
    from notebake.humanize import format_local
    from notebake.servers.ends import read_minutes
    from notebake.servers.keep import keep_server

    minutes = read_minutes(given.length)
    server = server_of(given)
    until = keep_server(server, minutes)
    print_whole_words(
        open_console(),
        [
            f"{server.name} stops neither for want of use nor for its daily end before"
            f" {format_local(until)}."
        ],
    )
    return DONE
