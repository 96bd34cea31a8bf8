"""The rehearsal's recipe, for a sandbox with addresses of its own."""

from pathlib import Path

import yaml

from benchmarks.own_cloud import PROJECT

RECIPE = PROJECT / "deployments/rehearsal.yaml"
BOOLEAN = "tag:yaml.org,2002:bool"


class Loader(yaml.SafeLoader):
    """A loader that takes `on` for the word that it is in a recipe, as YAML 1.2 does."""


Loader.yaml_implicit_resolvers = {
    first: [found for found in resolvers if found[0] != BOOLEAN or first in "tTfF"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def write_recipe(folder: Path, git_url: str, *, without: tuple[str, ...] = ()) -> Path:
    """Write the rehearsal's recipe without these parts, its repository at the sandbox's address."""
    recipe = yaml.load(RECIPE.read_text(), Loader)  # noqa: S506 - a SafeLoader
    name = recipe["repository"]["url"].rpartition("/")[2]
    recipe["repository"]["url"] = f"{git_url}/{name}"
    kept = {field: value for field, value in recipe.items() if field not in without}
    path = folder / "rehearsal.yaml"
    path.write_text(yaml.safe_dump(kept, sort_keys=False))
    return path
