"""The command `sweep`: list the expired resources of all runs; `--apply` removes them."""

import argparse
import datetime
from typing import TYPE_CHECKING

from flows.cli.arguments import add_json, add_regions, location_of, regions_of
from flows.cli.exit_codes import DONE
from flows.cli.findings_document import FIELDS as FINDINGS
from flows.cli.findings_document import document_of

if TYPE_CHECKING:
    from notebake.errors import NextCommand
    from notebake.resources.survey import Scope, Survey

EXAMPLE = """\
notebake sweep --all-regions
notebake sweep --region us-west-2 --expired-since 24 --apply"""
FIELDS = FINDINGS | {
    "removed": "ids that --apply has removed",
    "remaining": "ids that --apply could not remove (exit code 1)",
}

GOING = "Expired, and proven ours"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    parser.add_argument(
        "--apply", action="store_true", dest="does_work", help="remove it; by default nothing is"
    )
    parser.add_argument(
        "--expired-since",
        type=float,
        default=0.0,
        metavar="HOURS",
        help="only what expired at least this long ago",
    )
    add_regions(parser)
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    """List what has expired, and remove it with `--apply`.

    DONE if all regions answered, and nothing is left that was to be removed.
    """
    from flows.cli.removal import command_again, remove_findings
    from flows.terminal.findings_table import print_found, print_removal_command
    from notebake import clock
    from notebake.resources.survey import Scope, check_all_regions_answered, survey
    from notebake.timestamps import utc_from_seconds

    grace = datetime.timedelta(hours=given.expired_since)
    scope = Scope(
        regions=regions_of(given),
        store=location_of(given),
        before=utc_from_seconds(clock.now()) - grace,
    )
    found, again = survey(scope), command_again(given)
    if given.json:
        print_as_json(found, scope, again, applies=given.does_work)
        return DONE
    heading = "Removed now: expired, and proven ours" if given.does_work else GOING
    print_found(found, going=heading, nothing=f"Nothing of any run in {', '.join(scope.regions)}.")
    if found.going and given.does_work:
        remove_findings(found.going, scope, again)
    else:
        print_removal_command(found, again.command_line(given.store))
    check_all_regions_answered(found)
    return DONE


def print_as_json(found: "Survey", scope: "Scope", again: "NextCommand", *, applies: bool) -> None:
    """Print what was found and removed as JSON; then raise the same errors as `run`."""
    from flows.cli.json_output import print_document
    from notebake.resources.survey import check_all_regions_answered
    from notebake.resources.sweep import Swept, check_all_gone, remove

    swept = remove(found.going, scope) if applies else Swept()
    print_document(
        document_of(found, scope.regions)
        | {"removed": [resource.id for resource in swept.removed]}
        | {"remaining": [resource.id for resource in swept.remaining]}
    )
    check_all_gone(swept, again)
    check_all_regions_answered(found)
