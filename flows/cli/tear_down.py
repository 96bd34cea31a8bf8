"""The command `tear-down`: remove the temporary resources of a run; an accepted image stays."""

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
    """Tear the run down; if the run store does not have it, without the run store."""
    from flows.cli.execution import prepared_run, remove
    from notebake.runs import registry
    from notebake.runs.open_store import open_store
    from notebake.runs.summaries import has_run

    store = open_store(location_of(given))
    if not has_run(given.run, store):
        from flows.cli.tear_down_without_store import tear_down_without_store

        return tear_down_without_store(given)
    existing = registry.load_run(given.run, store)
    with prepared_run(existing, given.account):
        return remove(existing)
