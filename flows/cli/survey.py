"""The command `survey`: list the resources of runs in the account; it needs no run store."""

import argparse

from flows.cli.arguments import add_json, add_regions, add_run, location_of, regions_of
from flows.cli.exit_codes import DONE
from flows.cli.findings_document import FIELDS, document_of

__all__ = ["EXAMPLE", "FIELDS", "add_arguments", "run"]
EXAMPLE = """\
notebake survey --all-regions
notebake survey ocean-20261123-120000-1a2b --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    add_run(parser, nargs="?", default="", help="run id; default: all runs")
    add_regions(parser)
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    """List the resources with our tags; DONE if all regions answered, whatever was found."""
    from flows.cli.json_output import print_document
    from flows.terminal.findings_table import print_found
    from notebake import clock
    from notebake.resources.survey import Scope, check_all_regions_answered, survey
    from notebake.timestamps import utc_from_seconds

    regions, store = regions_of(given), location_of(given)
    if given.run and not given.region and not given.all_regions:
        regions = (region_of_run(given.run, store) or regions[0],)
    found = survey(
        Scope(regions=regions, run_id=given.run, store=store, before=utc_from_seconds(clock.now()))
    )
    if given.json:
        print_document(document_of(found, regions))
    else:
        heading = "Expired: `notebake sweep --apply` removes it"
        nothing = f"Nothing in {', '.join(regions)} carries the tag of {given.run or 'any run'}."
        print_found(found, going=heading, nothing=nothing)
    check_all_regions_answered(found)
    return DONE


def region_of_run(run_id: str, location: str) -> str:
    """Return the region of a run; "" if the store does not have the run."""
    from notebake.errors import RunStoreError
    from notebake.runs import registry
    from notebake.runs.open_store import open_store

    try:
        return registry.load_run(run_id, open_store(location)).recipe.region
    except RunStoreError:
        return ""
