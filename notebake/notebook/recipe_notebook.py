"""The notebook that a recipe executes: its file, directories and root script on the host."""

from pathlib import PurePosixPath
from shlex import quote

from notebake.commands.copy_on_write import run_copy_on_write
from notebake.commands.shell import as_user, script
from notebake.notebook.papermill_script import status_path
from notebake.project import PROJECT
from notebake.recipe import Notebook, Recipe

SMOKE = PROJECT / "notebooks" / "smoke.ipynb"
SMOKE_VERDICT = "NOTEBAKE VERDICT: PASS"
DIRECTORY = "/var/lib/notebake/notebook"
OUTPUT = f"{DIRECTORY}/executed.ipynb"


def effective_notebook(recipe: Recipe) -> Notebook:
    """Return the recipe's notebook, or our own smoke notebook if it names none."""
    if recipe.notebook.path:
        return recipe.notebook
    points = ",".join(volume.mount_point for volume in recipe.volumes if volume.is_in_image)
    changes = {
        "path": SMOKE.name,
        "parameters": {"mount_points": points},
        "verdict": SMOKE_VERDICT,
    }
    return recipe.notebook.model_copy(update=changes)


def base_directory(recipe: Recipe) -> str:
    """Return the directory on the host to which the notebook's path is relative."""
    if recipe.notebook.path and recipe.repository_path:
        return recipe.repository_path
    return DIRECTORY


def working_directory(notebook: Notebook, base: str) -> str:
    """Return the directory in which the notebook runs."""
    chosen = notebook.working_directory or str(PurePosixPath(notebook.path or "").parent)
    return str(PurePosixPath(base) / chosen)


def execution_script(recipe: Recipe, user_script: str) -> str:
    """Return the root script that runs a script of the login user's in a view of the clone.

    The smoke notebook lies outside the clone and writes nothing there.
    """
    command = as_user(recipe.base_image.user, user_script)
    if recipe.notebook.path and recipe.repository_path:
        command = run_copy_on_write(recipe.repository_path, command)
    # So that the result of an earlier attempt cannot count as this one's.
    return script(f"rm --force -- {quote(OUTPUT)} {quote(status_path(OUTPUT))}", command)
