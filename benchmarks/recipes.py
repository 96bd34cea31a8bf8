"""The rehearsal's recipe, for a sandbox with addresses of its own."""

from pathlib import Path

import yaml

from benchmarks.own_cloud import PROJECT

RECIPE = PROJECT / "deployments/rehearsal.yaml"


def write_recipe(folder: Path, git_url: str, *, without: tuple[str, ...] = ()) -> Path:
    """Write the rehearsal's recipe without these parts, its repository at the sandbox's address."""
    recipe = yaml.safe_load(RECIPE.read_text())
    name = recipe["repository"]["url"].rpartition("/")[2]
    recipe["repository"]["url"] = f"{git_url}/{name}"
    kept = {field: value for field, value in recipe.items() if field not in without}
    path = folder / "rehearsal.yaml"
    path.write_text(yaml.safe_dump(kept, sort_keys=False))
    return path
