"""Who uses an image: what refers to it in the account, and with whom it is shared."""

from collections.abc import Sequence
from typing import Any

from notebake.aws.clients import calling, connect
from notebake.aws.kinds import IMAGE
from notebake.aws.launch_permissions import shared_with
from notebake.aws.permissions import needs
from notebake.aws.policies import OURS, PRUNE, Statement

PRUNES = "`notebake prune` and flows with `apply`"
MOST_IMAGES = 10
"""In one call: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImageReferences.html"""
LOOK_FOR_USES = Statement(PRUNE, "LookForUses", "what refers to an image", ("*",))
LOOK_THROUGH_EC2 = Statement(
    PRUNE,
    "LookForUsesThroughEc2",
    "EC2 itself looks at machines, launch templates, parameters and recipes of Image Builder; as in"
    " AWS's own `AmazonEC2ImageReferencesAccessPolicy`",
    ("*",),
    condition={"ForAnyValue:StringEquals": {"aws:CalledVia": ["ec2-images.amazonaws.com"]}},
)
LOOK_AT_SHARING = Statement(PRUNE, "LookAtSharing", "with whom an image is shared", condition=OURS)
IN_USE = ("pending", "running", "shutting-down", "stopping", "stopped")
"""Without these EC2 also tells of terminated machines, for about an hour."""
DEEPEST = "10000"
"""As many versions of a launch template as EC2 looks at: any of them may be in use, and without a
number it looks at the newest ten."""
ASKED: list[dict[str, Any]] = [
    {
        "ResourceType": kind,
        "ResourceTypeOptions": [{"OptionName": name, "OptionValues": list(values)}],
    }
    for kind, name, values in (
        ("ec2:Instance", "state-name", IN_USE),
        ("ec2:LaunchTemplate", "version-depth", (DEEPEST,)),
    )
]


@needs("ec2:DescribeImageReferences", LOOK_FOR_USES, only_for=PRUNES)
@needs(
    "ec2:DescribeInstances",
    LOOK_THROUGH_EC2,
    only_for=PRUNES,
    called="ec2:DescribeInstances through EC2",
)
@needs("ec2:DescribeLaunchTemplates", LOOK_THROUGH_EC2, only_for=PRUNES)
@needs("ec2:DescribeLaunchTemplateVersions", LOOK_THROUGH_EC2, only_for=PRUNES)
@needs("ssm:DescribeParameters", LOOK_THROUGH_EC2, only_for=PRUNES)
@needs("ssm:GetParameters", LOOK_THROUGH_EC2, only_for=PRUNES)
@needs("imagebuilder:ListImageRecipes", LOOK_THROUGH_EC2, only_for=PRUNES)
@needs("imagebuilder:ListContainerRecipes", LOOK_THROUGH_EC2, only_for=PRUNES)
@needs("imagebuilder:GetContainerRecipe", LOOK_THROUGH_EC2, only_for=PRUNES)
def find_uses(image_ids: Sequence[str], region: str) -> dict[str, tuple[str, ...]]:
    """Return what refers to each of at most ten images, by the ends of its ARNs.

    Raises:
        CloudError: EC2 refused, or gave no answer: nothing is known of these images.
    """
    pages = connect("ec2", region).get_paginator("describe_image_references")
    found: dict[str, list[str]] = {image_id: [] for image_id in image_ids}
    with calling(f"look for what refers to {name_first(image_ids)} in {region}"):
        for page in pages.paginate(
            ImageIds=list(image_ids), IncludeAllResourceTypes=True, ResourceTypes=ASKED
        ):
            for each in page.get("ImageReferences", []):
                found[each["ImageId"]].append(str(each["Arn"]).split(":", 5)[-1])
    return {image_id: tuple(sorted(uses)) for image_id, uses in found.items()}


def name_first(image_ids: Sequence[str]) -> str:
    """Return several images for people: the first, and how many more."""
    more = len(image_ids) - 1
    return f"{image_ids[0]} and {more} more" if more else image_ids[0]


@needs(
    "ec2:DescribeImageAttribute",
    LOOK_AT_SHARING.on("image"),
    called="ec2:DescribeImageAttribute to prune",
    only_for=PRUNES,
    ImageId=IMAGE.stand_in,
    Attribute="launchPermission",
)
def find_recipients(image_id: str, region: str) -> tuple[str, ...]:
    """Return who may launch an image: accounts, ARNs of organizations, or `all`.

    Raises:
        CloudError: EC2 refused, or gave no answer.
    """
    return tuple(sorted(shared_with(image_id, region)))
