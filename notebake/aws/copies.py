"""Copies of images: CopyImage, and what EC2 shows of them.

`SourceImageId` and `SourceImageRegion` of a copy are EC2's own record of its source; it has no
`SourceInstanceId`: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Image.html
"""

from typing import Any

from notebake.aws import tags
from notebake.aws.clients import calling, connect, until_known
from notebake.aws.kinds import IMAGE, SNAPSHOT, list_kind
from notebake.aws.permissions import needs
from notebake.aws.policies import COPYING, DESCRIBE, MADE_OURS, OURS, Statement

COPIERS = "`notebake copy`"
COPY_OURS = Statement(
    COPYING,
    "CopyImagesOfARun",
    "their source. AWS looks at it since October 2024",
    condition=OURS,
)
MAKE_COPIES = Statement(
    COPYING,
    "MakeCopies",
    "the copy and its snapshots, in the region that they go to: only with the run's tag",
    condition=MADE_OURS,
)
TAG_COPIES = Statement(
    COPYING,
    "TagCopies",
    "that tag, in the call that makes them",
    condition=MADE_OURS,
)
"""For no call of its own, as TAG_WHAT_IS_MADE."""


@needs(
    "ec2:CopyImage", COPY_OURS.on("image"), MAKE_COPIES.on("image", "snapshot"), only_for=COPIERS
)
def request_copy(wanted: dict[str, Any], marks: dict[str, str], region: str) -> str:
    """Request a copy in a region, and return its id without waiting for it.

    `wanted` holds the ClientToken, with which a repeated request returns the same copy, the Name,
    the SourceImageId and the SourceRegion.

    Raises:
        CloudError: EC2 refused; ResourceLimitExceeded where too many copies are under way.
    """

    def send() -> dict[str, Any]:
        answer: dict[str, Any] = connect("ec2", region).copy_image(
            **wanted, TagSpecifications=tags.specifications(marks, "image", "snapshot")
        )
        return answer

    source = f"{wanted['SourceImageId']} of {wanted['SourceRegion']}"
    return str(until_known(send, what=f"copy {source} to {region}")["ImageId"])


@needs("ec2:DescribeImages", DESCRIBE, by_check=True)
def list_copies(source_id: str, region: str) -> list[dict[str, Any]]:
    """Return EC2's descriptions of what claims to be a copy of an image, disabled ones too."""
    wanted = [{"Name": f"tag:{tags.COPY_OF}", "Values": [source_id]}]
    with calling(f"list the copies of {source_id} in {region}"):
        pages = connect("ec2", region).get_paginator("describe_images")
        listed = pages.paginate(Owners=["self"], IncludeDisabled=True, Filters=wanted)
        return [dict(image) for page in listed for image in page["Images"]]


def describe_copy(image_id: str, region: str) -> dict[str, Any] | None:
    """Return EC2's description of this account's image, as it shows it now."""
    found = list_kind(region, IMAGE, IMAGE.id_filter, [image_id])
    return dict(found[0]) if found else None


def list_copied_snapshots(source_id: str, region: str) -> list[dict[str, Any]]:
    """Return EC2's descriptions of the snapshots that claim to be of copies of an image."""
    return list_kind(region, SNAPSHOT, f"tag:{tags.COPY_OF}", [source_id])
