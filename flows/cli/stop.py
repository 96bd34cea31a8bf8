"""The command `stop`: stop a notebook server; its disks stay."""

import argparse

from flows.cli.asking import add_yes, is_agreed
from flows.cli.exit_codes import DONE, FAILED
from flows.cli.server_options import add_server, owner_of, server_of

EXAMPLE = "notebake stop ocean"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    add_server(parser)
    add_yes(parser)
    parser.set_defaults(does_work=True)


def run(given: argparse.Namespace) -> int:
    """Stop the server, and wait until it is stopped; somebody else's only if that is meant."""
    from flows.terminal.console import open_console
    from flows.terminal.plain_lines import print_whole_words
    from flows.terminal.server_power import describe_stopped
    from notebake.servers.power import stop_server

    server = server_of(given)
    is_own = given.owner or server.owner == owner_of(given)
    if not is_own and not is_agreed(given, f"{server.name} is {server.owner}'s. Stop it?"):
        open_console().print("It was left as it is.")
        return FAILED
    stop_server(server)
    print_whole_words(open_console(), describe_stopped(server))
    return DONE
