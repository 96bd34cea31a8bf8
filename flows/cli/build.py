"""The command `build`: build the image of a recipe and prove it."""

import argparse

from flows.cli.arguments import add_awards, add_recipe, location_of

EXAMPLE = "notebake build deployments/ocean.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    add_recipe(parser)
    add_awards(parser)
    parser.set_defaults(does_work=True)


def run(given: argparse.Namespace) -> int:
    """Begin a run and execute it; an invalid recipe is reported before any slow import."""
    from pathlib import Path

    from notebake.recipe.file import load_recipe
    from notebake.runs.open_store import open_store

    store = open_store(location_of(given))
    recipe = load_recipe(Path(given.recipe))
    from flows.cli.execution import check_home_if_needed, execute
    from flows.failure import reporting_failures
    from notebake.runs import registry

    check_home_if_needed(store.location)
    new = registry.new_run(recipe, str(Path(given.recipe).resolve()), store)
    with reporting_failures(new):
        return execute(new, "notebake build")
