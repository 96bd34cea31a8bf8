"""`history diff`: what differs between two runs."""

import argparse

from flows.cli.arguments import add_json, add_run, location_of
from flows.cli.exit_codes import DONE

EXAMPLE = "notebake history diff ocean-20261123-120000-1a2b ocean-20261130-120000-3c4d"
FIELDS = {
    "first": "the first run",
    "second": "the second run",
    "differences[].section": "recipe, sources, packages in FILE, numbers, times, money, result",
    "differences[].what": "the field, the package, the step",
    "differences[].before": "its value in the first run; null: none",
    "differences[].after": "its value in the second run; null: none",
    "differences[].is_same": "true with --all only; also for a time within the noise",
    "not_compared": "why stored files were not compared",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options."""
    add_run(parser, name="first", help="run id")
    add_run(parser, name="second", help="run id of the run to compare it with")
    parser.add_argument("--all", action="store_true", help="also what is the same")
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    """Print what differs."""
    from notebake.ledger.difference import compare
    from notebake.runs.recorded_run import read_compared, read_recorded_run

    location = location_of(given)
    first, second = (
        read_compared(read_recorded_run(run_id, location).summary, location)
        for run_id in (given.first, given.second)
    )
    found = [each for each in compare(first, second) if given.all or not each.is_same]
    doubts = [*first.doubts, *second.doubts]
    if given.json:
        from flows.cli.json_output import print_document

        listed = [
            {**each.model_dump(exclude={"is_noise"}), "is_same": each.is_same} for each in found
        ]
        print_document(
            {
                "first": given.first,
                "second": given.second,
                "differences": listed,
                "not_compared": doubts,
            }
        )
    else:
        from flows.terminal.difference_table import print_differences

        print_differences(found, doubts)
    return DONE
