"""The calls for volumes that outlive servers, known by the tag `notebake:server-volume`."""

from typing import Any

from notebake.aws import tags, volumes
from notebake.aws.clients import calling, connect
from notebake.aws.gone import retry_removal
from notebake.aws.kinds import VOLUME, list_kind
from notebake.aws.permissions import needs
from notebake.aws.policies import Statement
from notebake.aws.server_calls import CHANGE, LOOK, USE
from notebake.errors import CloudError
from notebake.timeouts import ATTACH_SECONDS
from notebake.waiting import wait_until

HAS_NAME, GETS_NAME = (
    f"aws:ResourceTag/{tags.SERVER_VOLUME}",
    f"aws:RequestTag/{tags.SERVER_VOLUME}",
)
VOLUMES = "`notebake start --volume`, `notebake servers` and `notebake terminate --volume`"
MAKE = Statement(
    USE,
    "MakeServerVolumes",
    "volumes that outlive servers: only with their tag",
    condition={"Null": {GETS_NAME: "false"}},
)
TAG_MADE = Statement(
    USE,
    "TagServerVolumesThatAreMade",
    "that tag, in the call that makes the volume",
    condition={"Null": {GETS_NAME: "false"}},
)
"""For no call of its own: see `TAG_WHAT_IS_MADE` of `policies`."""
CHANGE_VOLUME = Statement(
    USE,
    "UseServerVolumes",
    "attaching them to servers, detaching and deleting them",
    condition={"Null": {HAS_NAME: "false"}},
)
BOTH_SIDES = (CHANGE.on("instance"), CHANGE_VOLUME.on("volume"))


@needs("ec2:DescribeVolumes", LOOK, only_for=VOLUMES)
def list_volumes(region: str) -> list[dict[str, Any]]:
    """Return EC2's descriptions of all volumes that outlive servers."""
    return list_kind(region, VOLUME, "tag-key", [tags.SERVER_VOLUME])


@needs("ec2:CreateVolume", MAKE.on("volume"), only_for=VOLUMES)
def create_volume(
    region: str, *, zone: str, size_gib: int, token: str, marks: dict[str, str]
) -> dict[str, Any]:
    """Request a volume, without waiting for it; the same token returns the same volume.

    Raises:
        CloudError: EC2 refused; IdempotentParameterMismatch if the token made another one.
    """
    with calling(f"make a volume of {size_gib} GiB in {zone}"):
        made: dict[str, Any] = connect("ec2", region).create_volume(
            AvailabilityZone=zone,
            Size=size_gib,
            VolumeType="gp3",
            ClientToken=token,
            TagSpecifications=tags.specifications(marks, "volume"),
        )
    return made


@needs("ec2:AttachVolume", *BOTH_SIDES, only_for=VOLUMES)
@needs("ec2:DetachVolume", *BOTH_SIDES, only_for=VOLUMES)
def attach_volume(volume_id: str, instance_id: str, device: str, region: str) -> str:
    """Attach a volume to a server and wait for it; return the device name that it has.

    It may have another one, if somebody else has attached it just now. Raises as
    `volumes.attach_volume` does.
    """
    volumes.attach_volume(volume_id, instance_id, device, region)
    return str(volumes.attachment_of(volume_id, region)["Device"])


@needs("ec2:DetachVolume", *BOTH_SIDES, only_for=VOLUMES)
def free_volume(volume_id: str, instance_id: str, region: str) -> None:
    """Take a volume from a server that is stopped, and wait until it is free. May be repeated."""
    try:
        with calling(f"take {volume_id} from {instance_id}"):
            connect("ec2", region).detach_volume(VolumeId=volume_id, InstanceId=instance_id)
    except CloudError as error:
        # An earlier request, whose end nobody saw, is under way or done.
        if error.code != "IncorrectState":
            raise
    wait_until(
        lambda: None if volumes.attachment_of(volume_id, region) else True,
        what=f"{volume_id} to be free",
        timeout_seconds=ATTACH_SECONDS,
    )


@needs("ec2:DeleteVolume", CHANGE_VOLUME.on("volume"), only_for=VOLUMES)
def delete_volume(volume_id: str, region: str) -> None:
    """Delete a volume that no server uses. May be repeated."""
    ec2 = connect("ec2", region)
    retry_removal(lambda: ec2.delete_volume(VolumeId=volume_id), volume_id)
