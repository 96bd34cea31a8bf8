"""`history show`: all that is recorded of a run, as a page."""

import argparse

from flows.cli.arguments import add_run, location_of
from flows.cli.exit_codes import DONE

EXAMPLE = "notebake history show ocean-20261123-120000-1a2b"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options."""
    add_run(parser)


def run(given: argparse.Namespace) -> int:
    """Print the page of a run."""
    from flows.terminal.run_page import print_run
    from notebake.runs.approvals.approval_log import questions_of
    from notebake.runs.people import read_people
    from notebake.runs.recorded_run import read_recorded_run
    from notebake.runs.run_record import record_place

    location = location_of(given)
    recorded = read_recorded_run(given.run, location)
    people = read_people(record_place(location))
    print_run(recorded, people, questions_of(given.run, location))
    return DONE
