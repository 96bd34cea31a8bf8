"""The command `build`: bake the image of a recipe and prove it."""

import argparse

from flows.cli.arguments import add_recipe, location_of

EXAMPLE = "notebake build deployments/ocean.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    add_recipe(parser)
    parser.set_defaults(does_work=True)


def run(given: argparse.Namespace) -> int:
    """Begin a run and execute it; the recipe is read before anything slow is imported."""
    from pathlib import Path

    from flows.cli.execution import check_home_where_needed, execute
    from flows.failure import reporting_what_is_left
    from notebake.recipe.file import load_recipe
    from notebake.runs import registry
    from notebake.runs.open_store import open_store

    store = open_store(location_of(given))
    recipe = load_recipe(Path(given.recipe))
    check_home_where_needed(store)
    new = registry.new_run(recipe, str(Path(given.recipe).resolve()), store)
    with reporting_what_is_left(new):
        return execute(new)
