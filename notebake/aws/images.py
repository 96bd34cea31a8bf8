"""Images: the base, and the one that a run makes."""

import functools
from typing import Any

from notebake.aws import tags
from notebake.aws.clients import calling, connect, until_known
from notebake.aws.gone import retry_removal
from notebake.aws.kinds import IMAGE, INSTANCE, SNAPSHOT
from notebake.aws.model import Image
from notebake.aws.names import name_of_image
from notebake.aws.permissions import needs
from notebake.aws.policies import DESCRIBE, MAKE_OURS, OURS, POLICY, USE_OURS, Statement
from notebake.aws.resource_record import parts_of
from notebake.aws.single_flight import SHORT_SECONDS, cached_per_region
from notebake.errors import CloudError, PreflightError
from notebake.recipe import BaseImage

BROKEN_STATES = {"failed", "error", "invalid", "deregistered", "disabled"}
FIND_BASE_IMAGE = Statement(
    POLICY,
    "FindBaseImage",
    "the id of Ubuntu's newest image, a public parameter; another `base_image.ssm_parameter` needs"
    " a line of its own",
    ("arn:*:ssm:*::parameter/aws/service/*",),
)
REMOVE_IMAGES = Statement(
    POLICY,
    "RemoveImagesButNotAccepted",
    "an image that was not accepted, and its snapshots; a copy until it is verified",
    condition={
        "Null": OURS["Null"]
        | {f"aws:ResourceTag/{tag}": "true" for tag in (tags.ACCEPTED, tags.COPY_VERIFIED)}
    },
)


@needs("ssm:GetParameter", FIND_BASE_IMAGE, by_check=True)
@needs("ec2:DescribeImages", DESCRIBE, by_check=True)
@cached_per_region(SHORT_SECONDS)
def resolve_base_image(base: BaseImage, region: str) -> dict[str, Any]:
    """Return EC2's description of the base image, resolving its SSM parameter first."""
    image_id = base.image_id
    if image_id is None:
        with calling(f"read the SSM parameter {base.parameter} in {region}"):
            answer = connect("ssm", region).get_parameter(Name=base.parameter)
        image_id = str(answer["Parameter"]["Value"])
    with calling(f"describe the base image {image_id} in {region}"):
        images = connect("ec2", region).describe_images(ImageIds=[image_id])["Images"]
    if not images or images[0]["State"] != "available":
        state = images[0]["State"] if images else "not found"
        raise PreflightError(f"The base image {image_id} in {region} is {state}.")
    return dict(images[0])


@needs(
    "ec2:CreateImage",
    USE_OURS.on("instance"),
    MAKE_OURS.on("image", "snapshot"),
    InstanceId=INSTANCE.stand_in,
    Name=lambda run: name_of_image(run.id),
)
def create_image(
    instance_id: str,
    wanted: dict[str, Any],
    marks: dict[str, str],
    region: str,
) -> str:
    """Request an image of a stopped instance, and return its id without waiting for it.

    `wanted` holds the Name, the Description and the BlockDeviceMappings.

    Raises:
        CloudError: InvalidAMIName.Duplicate if the name is taken.
    """

    def send() -> dict[str, Any]:
        answer: dict[str, Any] = connect("ec2", region).create_image(
            InstanceId=instance_id,
            **wanted,
            TagSpecifications=tags.specifications(marks, "image", "snapshot"),
        )
        return answer

    return str(until_known(send, what=f"make an image of {instance_id}")["ImageId"])


@needs("ec2:DeregisterImage", REMOVE_IMAGES.on("image"), ImageId=IMAGE.stand_in)
def deregister_image(image_id: str, region: str) -> None:
    """Deregister an image; its snapshots stay."""
    connect("ec2", region).deregister_image(ImageId=image_id)


def remove_image(image: Image, region: str) -> None:
    """Deregister an image and delete its snapshots. May be repeated."""
    try:
        with calling(f"deregister {image.id}"):
            deregister_image(image.id, region)
    except CloudError as error:
        # An earlier call deregistered it, and its response was lost.
        if error.code not in {"InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"}:
            raise
    remove_snapshots(image.snapshot_ids, region)


@needs("ec2:DeleteSnapshot", REMOVE_IMAGES.on("snapshot"), SnapshotId=SNAPSHOT.stand_in)
def remove_snapshots(snapshot_ids: tuple[str, ...], region: str) -> None:
    """Delete snapshots; missing ones are ignored.

    A snapshot whose image was just deregistered may still count as in use.
    """
    for snapshot_id in snapshot_ids:
        delete = functools.partial(connect("ec2", region).delete_snapshot, SnapshotId=snapshot_id)
        retry_removal(delete, snapshot_id)


def as_image(found: dict[str, Any]) -> Image:
    """Return the Image for EC2's description."""
    return Image(
        id=found["ImageId"],
        name=found.get("Name", ""),
        state=found["State"],
        snapshot_ids=parts_of("image", found),
        source_instance_id=found.get("SourceInstanceId"),
        tags=tags.as_dict(found.get("Tags")),
    )
