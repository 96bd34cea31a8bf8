"""The command `tear-down`: remove what a run made temporarily; an accepted image stays."""

import argparse

from flows.cli.arguments import add_account, add_regions, add_run, location_of

EXAMPLE = "notebake tear-down ocean-20261123-120000-1a2b"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    add_run(parser)
    parser.add_argument(
        "--without-store",
        action="store_true",
        help="for a run that the run store does not have: remove what is proven to be of the run",
    )
    add_account(parser)
    add_regions(parser)
    parser.set_defaults(does_work=True)


def run(given: argparse.Namespace) -> int:
    """Remove it, by the run store, or without it where it does not have the run."""
    from flows.cli.execution import check_home_where_needed, claim, remove
    from flows.failure import reporting_what_is_left
    from notebake.runs import registry
    from notebake.runs.open_store import open_store
    from notebake.runs.summaries import has_run

    store = open_store(location_of(given))
    if not has_run(given.run, store):
        from flows.cli.tear_down_without_store import tear_down_without_store

        return tear_down_without_store(given)
    known = registry.load_run(given.run, store)
    with reporting_what_is_left(known):
        check_home_where_needed(store)
        if given.account:
            claim(known, given.account)
        return remove(known)
