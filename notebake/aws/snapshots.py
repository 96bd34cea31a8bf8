"""Snapshots of single volumes. Those of an image are made with it: see `images`."""

from notebake.aws import tags
from notebake.aws.clients import calling, connect
from notebake.aws.permissions import needs
from notebake.aws.policies import MAKE_OURS, USE_OURS


# A build can do without it.
@needs("ec2:CreateSnapshot", USE_OURS.on("volume"), MAKE_OURS.on("snapshot"), by_check=True)
def create_snapshot(volume_id: str, description: str, marks: dict[str, str], region: str) -> str:
    """Request a snapshot of a volume, and return its id without waiting for it.

    CreateSnapshot has no client token: each call makes another one, so none is repeated.

    Raises:
        CloudError: EC2 refused; ConcurrentSnapshotLimitExceeded if five of the volume are pending.
    """
    with calling(f"take a snapshot of {volume_id}"):
        answer = connect("ec2", region, tries=1).create_snapshot(
            VolumeId=volume_id,
            Description=description,
            TagSpecifications=tags.specifications(marks, "snapshot"),
        )
    return str(answer["SnapshotId"])
