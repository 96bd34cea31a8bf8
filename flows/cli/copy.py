"""The command `copy`: copy an image to other regions, or with another key."""

import argparse

from flows.cli.arguments import add_region, location_of
from flows.cli.exit_codes import DONE
from notebake.local.usual_region import usual_region

EXAMPLE = """\
notebake copy ami-0123456789abcdef0 --to eu-central-1 us-east-1
notebake copy ami-0123456789abcdef0 --to us-west-2 --kms-key alias/shared"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    parser.add_argument("image", help="id of an accepted image, as `notebake images` shows it")
    parser.add_argument(
        "--to",
        nargs="+",
        action="extend",
        required=True,
        metavar="REGION",
        help="where copies go; several are made at once",
    )
    parser.add_argument(
        "--kms-key",
        default="",
        metavar="KEY",
        help="id, ARN or alias, in each of these regions, of the key that encrypts the copy",
    )
    parser.add_argument(
        "--plan", action="store_true", help="show what would be done and its price, and do nothing"
    )
    add_region(parser)
    parser.set_defaults(does_work=True)


def run(given: argparse.Namespace) -> int:
    """Copy the image to all regions; the first failure is raised when all were tried."""
    from flows.terminal.console import open_console
    from flows.terminal.plain_lines import print_lines, showing_waits
    from notebake.images.copying.describe import UNPROVEN, describe_outcome, describe_plan
    from notebake.images.copying.plan import plan_copy
    from notebake.images.copying.regions import check_all_copied, copy_to_regions
    from notebake.runs.open_store import open_store

    console, store = open_console(), open_store(location_of(given))
    region = given.region or usual_region()
    plans = [
        plan_copy(given.image, region, to_region, store, key=given.kms_key)
        for to_region in dict.fromkeys(given.to)
    ]
    for plan in plans:
        print_lines(console, describe_plan(plan))
    if given.plan:
        return DONE
    with showing_waits(open_console(stderr=True)):
        done, errors = copy_to_regions(plans, store)
    for copied in done:
        print_lines(console, describe_outcome(copied))
    if done:
        print_lines(console, (UNPROVEN,))
    check_all_copied(errors)
    return DONE
