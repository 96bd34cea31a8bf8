"""The command `stop`: stop a notebook server; its disks stay."""

import argparse

from flows.cli.exit_codes import DONE
from flows.cli.server_options import add_server, server_of

EXAMPLE = "notebake stop ocean"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    add_server(parser)
    parser.set_defaults(does_work=True)


def run(given: argparse.Namespace) -> int:
    """Stop the server, and wait until it is stopped."""
    from flows.terminal.console import open_console
    from flows.terminal.plain_lines import print_whole_words
    from flows.terminal.server_power import describe_stopped
    from notebake.servers.power import stop_server

    server = server_of(given)
    stop_server(server)
    print_whole_words(open_console(), describe_stopped(server))
    return DONE
