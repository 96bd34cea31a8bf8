"""The fields of the forms by which flows are started in Prefect's UI.

What a JSON schema can say is refused by the form, or by the server, before anything starts. The
rest is refused by the flow, in the words of the command line. What a field means stands in the
docstring of the flow, where Prefect finds it.
"""

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field

from flows.build_plan import BUILD
from notebake.errors import RecipeError
from notebake.project import PROJECT

FOLDER = "deployments"
RUN_ID = "[A-Za-z0-9_][A-Za-z0-9._-]*"
"""As notebake/store/interface.py has it for the first part of a key."""
REGION = "^(all|[a-z]{2,}(-[a-z]+)+-[0-9]+)$"


def list_recipes(project: Path = PROJECT) -> list[str]:
    """Return the recipes of the project's folder, by their paths in it."""
    found = (path for path in sorted((project / FOLDER).glob("*.y*ml")) if is_recipe(path))
    return [str(path.relative_to(project)) for path in found]


def chosen_path(recipe: str, recipe_path: str) -> Path:
    """Return the path of the recipe that a form names in one of its two fields.

    Raises:
        RecipeError: neither is filled in.
    """
    if not recipe_path and not recipe:
        raise RecipeError("No recipe was given.", "Choose one, or give the path of another.")
    return Path(recipe_path or recipe)


def is_recipe(path: Path) -> bool:
    """Return whether a file looks like a recipe: a mapping with a name."""
    try:
        content = yaml.safe_load(path.read_bytes())
    except (OSError, yaml.YAMLError):
        return False
    return isinstance(content, dict) and isinstance(content.get("name"), str)


def _shown_as(**schema: object) -> object:
    """Return what adds to the JSON schema only: a call with other values is not refused."""
    return Field(json_schema_extra=dict(schema))  # type: ignore[arg-type]


# A form sends what is left empty as "".
RecipeChoice = Annotated[str, _shown_as(enum=["", *list_recipes()])]
RecipePath = Annotated[
    str, _shown_as(pattern=r"^$|\.ya?ml$", examples=["/home/me/recipes/ocean.yaml"])
]
RecipePaths = Annotated[
    list[str],
    _shown_as(
        items={"type": "string", "pattern": r"\.ya?ml$"},
        minItems=1,
        uniqueItems=True,
        examples=[list_recipes()],
    ),
]
RunId = Annotated[str, _shown_as(pattern=f"^{RUN_ID}$", examples=["ocean-20261123-120000-1a2b"])]
OptionalRunId = Annotated[str, _shown_as(pattern=f"^({RUN_ID})?$")]
StepChoice = Annotated[str, _shown_as(enum=["", *(step.name for step in BUILD)])]
StoreLocation = Annotated[str, _shown_as(examples=["s3://bucket/prefix", "/srv/notebake/runs"])]
Regions = Annotated[
    list[str], _shown_as(items={"type": "string", "pattern": REGION}, minItems=1, uniqueItems=True)
]
AwardChoice = Annotated[str, _shown_as(minLength=1, examples=["EDU-0000002"])]
