"""The SSM parameters that name the current image of each recipe, and the tags that say the same.

They lie apart from the keys of runs, so that who may write a run store need not be able to say
which image is current.
"""

from notebake.aws import tagging, tags
from notebake.aws.clients import calling, connect
from notebake.aws.images import as_image
from notebake.aws.kinds import IMAGE, list_kind
from notebake.aws.model import Image
from notebake.aws.permissions import needs
from notebake.aws.policies import POINTER, Statement
from notebake.errors import CloudError
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
YES, NO = "yes", "no"


def parameter_of(recipe_name: str) -> str:
    """Return the name of the parameter of a recipe, in the recipe's region."""
    return f"{PREFIX}{recipe_name}"


@needs("ssm:GetParameter", NAME_CURRENT, only_for=PROMOTERS)
def read_named_image(recipe_name: str, region: str) -> str:
    """Return the id of the image that the parameter names; "" if there is none."""
    name = parameter_of(recipe_name)
    try:
        with calling(f"read the parameter {name} in {region}"):
            answer = connect("ssm", region).get_parameter(Name=name)
    except CloudError as error:
        if error.code == "ParameterNotFound":
            return ""
        raise
    return str(answer["Parameter"]["Value"])


@needs("ssm:PutParameter", NAME_CURRENT, only_for=PROMOTERS)
def _put(recipe_name: str, image_id: str, region: str) -> None:
    name = parameter_of(recipe_name)
    with calling(f"put {image_id} into the parameter {name} in {region}"):
        connect("ssm", region).put_parameter(
            Name=name,
            Description=f"The current image of notebake's recipe {recipe_name}",
            Value=image_id,
            Type="String",
            Tier="Standard",
            DataType="aws:ec2:image",
            Overwrite=True,
        )


def name_image(recipe_name: str, image_id: str, region: str) -> None:
    """Let the parameter name an image, and wait until it does.

    AWS answers before it has checked that the image is available, and shows the value afterwards:
    https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-ec2-aliases.html

    Raises:
        WaitTimeoutError: it does not name the image.
    """
    if read_named_image(recipe_name, region) == image_id:
        return
    _put(recipe_name, image_id, region)
    wait_until(
        lambda: True if read_named_image(recipe_name, region) == image_id else None,
        what=f"the parameter {parameter_of(recipe_name)} to name {image_id}",
        timeout_seconds=PARAMETER_SECONDS,
    )


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
