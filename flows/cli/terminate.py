"""The command `terminate`: remove a notebook server with its disks."""

import argparse

from flows.cli.arguments import usual_region
from flows.cli.asking import add_yes, is_agreed
from flows.cli.exit_codes import DONE, FAILED
from flows.cli.server_options import add_server, owner_of, server_of

EXAMPLE = """\
notebake terminate ocean
notebake terminate ocean --yes"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    add_server(parser)
    add_yes(parser)
    parser.set_defaults(does_work=True)


def run(given: argparse.Namespace) -> int:
    """Say what is lost, ask, and terminate the server."""
    from flows.terminal.console import open_console
    from flows.terminal.servers_table import describe_losses
    from notebake.servers.find import NoSuchServerError
    from notebake.servers.losses import losses_of
    from notebake.servers.power import remove_group, terminate_server

    console = open_console()
    try:
        server = server_of(given)
    except NoSuchServerError:
        # An earlier `terminate` may have ended before it removed the group.
        region = given.region or usual_region()
        if not (group := remove_group(owner_of(given), given.name, region)):
            raise
        console.print(f"{given.name} was gone already; its group {group.id} is removed.")
        return DONE
    for line in describe_losses(server, losses_of(server)):
        console.print(line, markup=False, soft_wrap=True)
    if not is_agreed(given, f"Terminate {server.name}?"):
        console.print("It was left as it is.")
        return FAILED
    terminate_server(server)
    console.print(f"{server.name} ({server.id}) is terminated.", markup=False)
    return DONE
