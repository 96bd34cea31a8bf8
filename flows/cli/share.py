"""The command `share`: let accounts, organizations or everybody launch an image."""

import argparse
from typing import TYPE_CHECKING

from flows.cli.arguments import add_region, location_of
from flows.cli.exit_codes import DONE
from notebake.local.usual_region import usual_region

if TYPE_CHECKING:
    from notebake.images.sharing.plan import SharePlan

EXAMPLE = """\
notebake share ami-0123456789abcdef0 --with 123456789012 210987654321
notebake share ami-0123456789abcdef0 --public --plan"""
WHOM = (
    "an account (12 digits), or the whole ARN of an organization or of one of its units; several"
    " are allowed"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    add_shared_image(parser)
    parser.add_argument(
        "--allow-copy",
        action="store_true",
        help="accounts may also copy it: to other regions, or with a key of their own",
    )
    parser.add_argument(
        "--key-checked",
        action="store_true",
        help="of an encrypted image: you know that its key lets them use it, whatever its policy"
        " seems to say",
    )


def add_shared_image(parser: argparse.ArgumentParser) -> None:
    """Add the image, with whom it is shared, and whether that is only shown."""
    parser.add_argument("image", help="id of an accepted image, as `notebake images` shows it")
    parser.add_argument(
        "--with",
        dest="recipients",
        nargs="+",
        action="extend",
        default=[],
        metavar="WHOM",
        help=WHOM,
    )
    parser.add_argument("--public", action="store_true", help="everybody in AWS")
    parser.add_argument(
        "--plan",
        action="store_true",
        help="show what would be done, with its digest, and change nothing",
    )
    add_region(parser)
    parser.set_defaults(does_work=True)


def run(given: argparse.Namespace) -> int:
    """Share the image, unless only the plan is asked for."""
    from notebake.images.sharing.plan import plan_share
    from notebake.images.sharing.recipients import read_recipients
    from notebake.runs.open_store import open_store

    recipients = read_recipients(given.recipients, is_public=given.public)
    plan = plan_share(
        given.image,
        given.region or usual_region(),
        recipients,
        open_store(location_of(given)),
        may_copy=given.allow_copy,
        is_key_checked=given.key_checked,
    )
    return show_and_carry_out(plan, given)


def show_and_carry_out(plan: "SharePlan", given: argparse.Namespace) -> int:
    """Print the plan of a share, and what came of it."""
    from flows.terminal.console import open_console
    from flows.terminal.plain_lines import print_lines, showing_waits
    from notebake.images.sharing.carry_out import carry_out, wants_approval
    from notebake.images.sharing.describe import describe_outcome, describe_plan
    from notebake.runs.open_store import open_store

    console = open_console()
    print_lines(console, describe_plan(plan))
    if not given.plan:
        if wants_approval(plan, location_of(given)):
            from flows.approved_acts import check_share_approved

            check_share_approved(plan, location_of(given))
        with showing_waits(open_console(stderr=True)):
            done = carry_out(plan, open_store(location_of(given)))
        print_lines(console, describe_outcome(done))
    return DONE
