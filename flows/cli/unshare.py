"""The command `unshare`: let those launch an image no more with whom it was shared."""

import argparse

from flows.cli.arguments import location_of
from flows.cli.share import add_shared_image, show_and_carry_out
from notebake.local.usual_region import usual_region

EXAMPLE = """\
notebake unshare ami-0123456789abcdef0 --with 123456789012
notebake unshare ami-0123456789abcdef0 --all"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    add_shared_image(parser)
    parser.add_argument("--all", action="store_true", help="all with whom it is shared now")
    parser.set_defaults(refusing=parser)


def run(given: argparse.Namespace) -> int:
    """Take the image back; running machines go on."""
    from notebake.images.sharing.plan import plan_unshare
    from notebake.images.sharing.recipients import read_recipients
    from notebake.runs.open_store import open_store

    if given.all and (given.recipients or given.public):
        given.refusing.error("Either --all, or whom: --with and --public.")
    recipients = None if given.all else read_recipients(given.recipients, is_public=given.public)
    region, store = given.region or usual_region(), open_store(location_of(given))
    return show_and_carry_out(plan_unshare(given.image, region, recipients, store), given)
