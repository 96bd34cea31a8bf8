"""Which recipe a resumed run continues with."""

import logging
from pathlib import Path

import yaml

from notebake.recipe import Recipe
from notebake.recipe.file import load_recipe
from notebake.runs import registry
from notebake.runs.run import Run

log = logging.getLogger(__name__)


def recipe_to_adopt(run: Run, given_path: str) -> Recipe | None:
    """Return the recipe to continue with, or None for the recipe that the run keeps.

    Without a path it is looked for where the run was started; on another machine that path may be
    missing, or hold something else.
    """
    if given_path:
        return load_recipe(Path(given_path))
    path = Path(registry.read_header(run).recipe_path)
    name = name_in_file(path)
    if name not in ("", run.recipe.name):
        log.warning(
            "Continuing with the recipe that the run keeps: %s is missing, or is another recipe",
            path,
        )
        return None
    return load_recipe(path)


def name_in_file(path: Path) -> str | None:
    """Return the name in a recipe, "" where it has a fault in it, None for what is no recipe."""
    try:
        content = yaml.safe_load(path.read_bytes())
    except OSError:
        return None
    except (yaml.YAMLError, UnicodeDecodeError):
        return ""
    return str(content.get("name")) if isinstance(content, dict) else None
