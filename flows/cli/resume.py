"""The command `resume`: continue a run where it stopped."""

import argparse

from flows.cli.arguments import (
    add_account,
    add_run,
    complete_with,
    location_of,
)
from flows.cli.completers import find_recipes

EXAMPLE = """\
notebake resume ocean-20261123-120000-1a2b
notebake resume ocean-20261123-120000-1a2b --from run_notebook"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    add_run(parser)
    recipe = parser.add_argument(
        "--recipe", default="", help="corrected recipe; default: the file with which the run began"
    )
    complete_with(find_recipes, recipe)
    parser.add_argument(
        "--from",
        dest="from_step",
        default="",
        metavar="STEP",
        help="do this step again, and all that follow it",
    )
    add_account(parser)
    parser.set_defaults(does_work=True)


def run(given: argparse.Namespace) -> int:
    """Execute a run that the store has."""
    from flows.cli.execution import check_home_where_needed, claim, execute
    from flows.cli.resumed_recipe import recipe_to_adopt
    from flows.failure import reporting_what_is_left
    from notebake.runs import registry
    from notebake.runs.open_store import open_store

    store = open_store(location_of(given))
    known = registry.load_run(given.run, store)
    with reporting_what_is_left(known):
        check_home_where_needed(store)
        if given.account:
            claim(known, given.account)
        if corrected := recipe_to_adopt(known, given.recipe):
            known = registry.update_recipe(known, corrected)
        return execute(known, from_step=given.from_step)
