"""The command `terminate`: remove a notebook server with its disks, or a volume."""

import argparse

from flows.cli.asking import add_yes, is_agreed
from flows.cli.exit_codes import DONE, FAILED
from flows.cli.server_options import add_server, owner_of
from notebake.errors import NotebakeError
from notebake.local.usual_region import usual_region

EXAMPLE = """\
notebake terminate ocean
notebake terminate ocean --yes
notebake terminate --volume data"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    add_server(parser, is_optional=True)
    parser.add_argument(
        "--volume",
        default="",
        metavar="NAME",
        help="delete this volume for good instead of a server; its name or id",
    )
    add_yes(parser)
    parser.set_defaults(does_work=True)


def run(given: argparse.Namespace) -> int:
    """Say what is lost, ask, and terminate the server, or delete the volume."""
    if bool(given.name) == bool(given.volume):
        raise NotebakeError(
            "Name what is to go: either a server, or a volume.",
            "notebake terminate NAME, or: notebake terminate --volume NAME",
        )
    return delete_volume(given) if given.volume else terminate(given)


def terminate(given: argparse.Namespace) -> int:
    """Terminate a server."""
    from flows.terminal.console import open_console
    from flows.terminal.plain_lines import print_whole_words
    from flows.terminal.server_losses import describe_losses
    from notebake.servers.find import NoSuchServerError, find_own_server
    from notebake.servers.losses import losses_of
    from notebake.servers.termination import remove_parts, terminate_server

    console, owner, region = open_console(), owner_of(given), given.region or usual_region()
    try:
        server = find_own_server(given.name, owner, region)
    except NoSuchServerError:
        # An earlier `terminate` may have ended before it removed what belonged to the server.
        removed = remove_parts(owner, given.name, region)
        if not removed:
            raise
        console.print(f"{given.name} was gone already. Removed: {', '.join(removed)}.")
        return DONE
    print_whole_words(console, describe_losses(server, losses_of(server, owner)))
    if not is_agreed(given, f"Terminate {server.name}?"):
        console.print("It was left as it is.")
        return FAILED
    terminate_server(server)
    console.print(f"{server.name} ({server.id}) is terminated.", markup=False)
    return DONE


def delete_volume(given: argparse.Namespace) -> int:
    """Delete a volume that outlives servers."""
    from flows.terminal.console import open_console
    from flows.terminal.plain_lines import print_whole_words
    from flows.terminal.server_losses import describe_volume
    from notebake.servers.find import list_command
    from notebake.servers.kept_volume import list_kept, named
    from notebake.servers.volume_choice import stopped_holder
    from notebake.servers.volumes import remove_volume

    console, owner, region = open_console(), owner_of(given), given.region or usual_region()
    volume = named(list_kept(region), given.volume, owner)
    if volume is None:
        raise NotebakeError(f"{owner} has no volume {given.volume} in {region}.").with_next(
            list_command(region)
        )
    holder = stopped_holder(volume) if volume.instance_id else None
    print_whole_words(console, describe_volume(volume, holder))
    if not is_agreed(given, f"Delete the volume {volume.name} for good?"):
        console.print("It was left as it is.")
        return FAILED
    remove_volume(volume)
    console.print(f"{volume.name} ({volume.id}) is deleted.", markup=False)
    return DONE
