"""The command `resume`: continue a run where it stopped."""

import argparse
import logging
from typing import TYPE_CHECKING

from flows.cli.arguments import add_account, add_awards, add_run, complete_with, location_of
from flows.cli.completers import find_recipes

if TYPE_CHECKING:
    from pathlib import Path

    from notebake.recipe import Recipe
    from notebake.runs.run import Run

log = logging.getLogger(__name__)
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
    add_awards(parser)
    parser.set_defaults(does_work=True)


def run(given: argparse.Namespace) -> int:
    """Execute an existing run."""
    from flows.cli.execution import execute, prepared_run
    from notebake.runs import registry
    from notebake.runs.open_store import open_store

    store = open_store(location_of(given))
    existing = registry.load_begun_run(given.run, store, given.recipe)
    with prepared_run(existing, given.account):
        if recipe := recipe_to_adopt(existing, given.recipe):
            existing = registry.update_recipe(existing, recipe)
        return execute(existing, "notebake resume", from_step=given.from_step)


def recipe_to_adopt(run: "Run", given_path: str) -> "Recipe | None":
    """Return the recipe to continue with, or None for the stored recipe of the run.

    The default is the path with which the run began. On another machine that file may be missing,
    or be another recipe.
    """
    from pathlib import Path

    from notebake.recipe.file import load_recipe
    from notebake.runs import registry

    if given_path:
        return load_recipe(Path(given_path))
    path = Path(registry.read_header(run).recipe_path)
    if name_in_file(path) in ("", run.recipe.name):
        return load_recipe(path)
    log.warning(
        "Continuing with the stored recipe of the run: %s is missing, or is another recipe", path
    )
    return None


def name_in_file(path: "Path") -> str | None:
    """Return the name in a recipe; "" if the file is invalid, None if it is no recipe at all."""
    import yaml

    try:
        content = yaml.safe_load(path.read_bytes())
    except OSError:
        return None
    except (yaml.YAMLError, UnicodeDecodeError):
        return ""
    return str(content.get("name")) if isinstance(content, dict) else None
