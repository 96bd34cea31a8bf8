"""The SSM parameters that name the current image of each recipe, and the tags that say the same.

They lie apart from the keys of runs, so that who may write a run store need not be able to say
which image is current.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

from notebake.aws import tagging, tags
from notebake.aws.clients import calling, connect
from notebake.aws.image_uses import PRUNES
from notebake.aws.images import as_image
from notebake.aws.kinds import IMAGE, list_kind
from notebake.aws.model import Image
from notebake.aws.permissions import needs
from notebake.aws.policies import POINTER, PRUNE, Statement
from notebake.aws.server_calls import SERVERS, USE
from notebake.errors import CloudError, WaitTimeoutError
from notebake.timeouts import PARAMETER_SECONDS
from notebake.waiting import wait_until

PREFIX = "/notebake-images/"
NAME_CURRENT = Statement(
    POINTER,
    "NameCurrentImages",
    "the parameters that name the current image of each recipe; AWS checks the image with"
    " `ec2:DescribeImages`",
    (f"arn:*:ssm:*:*:parameter{PREFIX}*",),
)
PROMOTERS = "`notebake promote`, `notebake rollback` and flows with `promote`"
READ_CURRENT = Statement(
    PRUNE,
    "ReadCurrentImages",
    "the parameters that name the current image of each recipe",
    NAME_CURRENT.resources,
)
FIND_CURRENT = Statement(
    USE,
    "FindCurrentImages",
    "the parameters that name the current image of each recipe",
    NAME_CURRENT.resources,
)
MOST_NAMES = 10
"""In one call (API reference, GetParameters)."""
YES, NO = "yes", "no"
PUTS = 3
"""How often an image is put into a parameter before it counts as not taken."""


def parameter_of(recipe_name: str) -> str:
    """Return the name of the parameter of a recipe, in the recipe's region."""
    return f"{PREFIX}{recipe_name}"


class Named(NamedTuple):
    """What a parameter names."""

    image_id: str = ""
    version: int = 0


@needs("ssm:GetParameter", NAME_CURRENT, only_for=PROMOTERS)
@needs("ssm:GetParameter", FIND_CURRENT, only_for=SERVERS)
def read_named(recipe_name: str, region: str) -> Named:
    """Return the image that the parameter names; "" if there is no parameter."""
    name = parameter_of(recipe_name)
    try:
        with calling(f"read the parameter {name} in {region}"):
            answer = connect("ssm", region).get_parameter(Name=name)["Parameter"]
    except CloudError as error:
        if error.code == "ParameterNotFound":
            return Named()
        raise
    return Named(str(answer["Value"]), int(answer.get("Version", 0)))


@needs("ssm:GetParameters", READ_CURRENT, called="ssm:GetParameters to prune", only_for=PRUNES)
def read_all_named(recipe_names: Iterable[str], region: str) -> dict[str, str]:
    """Return the image that the parameter of each recipe names, if there is one; ten a call."""
    names = [parameter_of(recipe_name) for recipe_name in recipe_names]
    found: dict[str, str] = {}
    for start in range(0, len(names), MOST_NAMES):
        some = names[start : start + MOST_NAMES]
        with calling(f"read the parameters {', '.join(some)} in {region}"):
            answer = connect("ssm", region).get_parameters(Names=some)
        found |= {each["Name"]: str(each["Value"]) for each in answer["Parameters"]}
    return {name.removeprefix(PREFIX): image_id for name, image_id in found.items()}


@needs("ssm:PutParameter", NAME_CURRENT, only_for=PROMOTERS)
def _put(recipe_name: str, image_id: str, region: str) -> int:
    """Put an image into the parameter, and return the version that it is to be."""
    name = parameter_of(recipe_name)
    with calling(f"put {image_id} into the parameter {name} in {region}"):
        answer = connect("ssm", region).put_parameter(
            Name=name,
            Description=f"The current image of notebake's recipe {recipe_name}",
            Value=image_id,
            Type="String",
            Tier="Standard",
            DataType="aws:ec2:image",
            Overwrite=True,
        )
    return int(answer.get("Version", 0))


def put_image(
    recipe_name: str, image_id: str, region: str, check: Callable[[], object] = lambda: None
) -> None:
    """Put an image into the parameter, and wait until it shows it.

    AWS answers before it has checked that the image is available, and shows the value afterwards:
    https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-ec2-aliases.html
    It is put again some times, as another mover may have put its own meanwhile. While the
    parameter does not show it, `check` is called, which may raise an error that makes waiting
    useless.

    Raises:
        WaitTimeoutError: the parameter does not show it.
    """
    for left in reversed(range(PUTS)):
        version = _put(recipe_name, image_id, region)

        def is_shown(version: int = version) -> bool | None:
            shown = read_named(recipe_name, region)
            # An earlier put of the same image may be followed by one that is not shown yet.
            if shown.image_id == image_id and shown.version >= version:
                return True
            check()
            return None

        with suppress(*([WaitTimeoutError] if left else [])):
            wait_until(
                is_shown,
                what=f"the parameter {parameter_of(recipe_name)} to name {image_id}",
                timeout_seconds=PARAMETER_SECONDS / PUTS,
            )
            return


def mark_current(images: list[Image], image_id: str, region: str) -> None:
    """Let the tags of a recipe's images say which of them is current; "" says that none is."""
    was = [each.id for each in images if each.tags.get(tags.CURRENT) == YES and each.id != image_id]
    for old in was:
        tagging.add_tags_once(region, [old], {tags.CURRENT: NO})
    shown = {each.id: each.tags.get(tags.CURRENT) for each in images}
    if shown.get(image_id, YES) != YES:
        tagging.add_tags_once(region, [image_id], {tags.CURRENT: YES})


def describe_images(region: str, filter_name: str, *values: str) -> list[Image]:
    """Return this account's images with one of the values, as EC2 shows them now."""
    return [as_image(found) for found in list_kind(region, IMAGE, filter_name, list(values))]
