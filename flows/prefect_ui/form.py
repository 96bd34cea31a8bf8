"""The fields of the forms by which flows are started in Prefect's UI.

What a JSON schema can say is refused by the form, or by the server, before anything starts. The
rest is refused by the flow, in the words of the command line. What a field means stands in the
docstring of the flow, where Prefect finds it.
"""

import re
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field

from flows.build_plan import BUILD
from notebake.aws.launch_permissions import EVERYBODY
from notebake.errors import RecipeError
from notebake.images.sharing.recipients import FORMS
from notebake.project import PROJECT
from notebake.servers.keys import KEY_TYPES
from notebake.servers.outside_ends import NO_ROLE, ROLE

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
IMAGE = "ami-(?:[0-9a-f]{8}|[0-9a-f]{17})"
PLAIN_REGION = "[a-z]{2,}(-[a-z]+)+-[0-9]+"
ImageId = Annotated[str, _shown_as(pattern=f"^{IMAGE}$", examples=["ami-0123456789abcdef0"])]
OneRegion = Annotated[str, _shown_as(pattern=f"^{PLAIN_REGION}$", examples=["us-west-2"])]
TargetRegions = Annotated[
    list[str],
    _shown_as(
        items={"type": "string", "pattern": f"^{PLAIN_REGION}$"},
        minItems=1,
        maxItems=40,
        uniqueItems=True,
    ),
]
RECIPIENT = {"type": "string", "pattern": f"^({EVERYBODY}|{FORMS})$"}
Recipients = Annotated[
    list[str], _shown_as(items=RECIPIENT, minItems=1, maxItems=100, uniqueItems=True)
]
OptionalRecipients = Annotated[
    list[str], _shown_as(items=RECIPIENT, maxItems=100, uniqueItems=True)
]
KeyId = Annotated[
    str, _shown_as(pattern=r"^[A-Za-z0-9/_:-]*$", maxLength=2048, examples=["alias/shared"])
]
SERVER = "[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?"
"""As notebake/servers/names.py has it; ids of instances look so, too."""
ServerName = Annotated[str, _shown_as(pattern=f"^{SERVER}$", examples=["ocean"])]
NewServerName = Annotated[str, _shown_as(pattern=f"^({SERVER})?$", examples=["ocean"])]
Owner = Annotated[str, _shown_as(pattern=r"^[A-Za-z0-9_+=,.@-]{0,64}$", examples=["ada"])]
ImageOfServer = Annotated[
    str,
    _shown_as(
        pattern=r"^[A-Za-z0-9()\[\] ./'@_*-]{1,128}$",
        examples=["ocean", "ami-0123456789abcdef0", "ocean*"],
    ),
]
PublicKey = Annotated[
    str,
    _shown_as(
        pattern=rf"^(({'|'.join(map(re.escape, KEY_TYPES))}) [A-Za-z0-9+/]+={{0,3}}( .*)?\s*)?$",
        maxLength=4000,
        examples=["ssh-ed25519 AAAA… ada@laptop"],
    ),
]
ServerType = Annotated[str, _shown_as(pattern=r"^([a-z][a-z0-9-]*\.[a-z0-9-]+)?$")]
IdleTime = Annotated[
    str, _shown_as(pattern=r"^((\d{1,2}h)(\d{1,2}m)?|\d{1,4}m)?$", examples=["60m", "3h", "0m"])
]
DailyEnd = Annotated[
    str,
    _shown_as(
        pattern=r"^(none|([01]?\d|2[0-3]):[0-5]\d [A-Za-z0-9_+/-]+)?$",
        examples=["19:00 America/Los_Angeles"],
    ),
]
ServerDisks = Annotated[
    list[str],
    _shown_as(
        items={"type": "string", "pattern": rf"^{SERVER}:\d{{1,5}}(:/[^@\s]*)?$"},
        maxItems=10,
        examples=[["work:200", "scratch:50:/scratch"]],
    ),
]
ServerVolumes = Annotated[
    list[str],
    _shown_as(
        items={"type": "string", "pattern": rf"^{SERVER}(:\d{{0,5}}(:/[^@\s]*)?)?$"},
        maxItems=10,
        examples=[["data:100", "data"]],
    ),
]
ProfileName = Annotated[str, _shown_as(pattern=r"^[A-Za-z0-9_+=,.@-]{0,128}$")]
SchedulerRole = Annotated[str, _shown_as(pattern=f"^({NO_ROLE}|{ROLE.pattern})?$", maxLength=256)]
KeepHours = Annotated[float, _shown_as(minimum=0.25, maximum=168)]
AwardChoice = Annotated[str, _shown_as(minLength=1, examples=["EDU-0000002"])]
