"""The end of an image in three calls: deprecated, disabled, removed with its snapshots."""

import datetime
from collections.abc import Sequence
from functools import partial

from notebake.aws import tags
from notebake.aws.clients import calling, connect
from notebake.aws.gone import GONE_CODES, retry_removal
from notebake.aws.image_uses import PRUNES
from notebake.aws.kinds import IMAGE, SNAPSHOT, list_kind
from notebake.aws.permissions import needs
from notebake.aws.policies import HAS_RUN, PRUNE, Statement
from notebake.errors import CloudError

NOT_KEPT = {HAS_RUN: "false", f"aws:ResourceTag/{tags.KEEP}": "true"}
RETIRE = Statement(
    PRUNE,
    "RetireImages",
    "any image of a run, an accepted one too, but none that is tagged `notebake:keep`, and none"
    " whose tag says that it is current",
    condition={
        "Null": NOT_KEPT,
        "StringNotEquals": {f"aws:ResourceTag/{tags.CURRENT}": "yes"},
    },
)
REMOVE_SNAPSHOTS = Statement(
    PRUNE,
    "RemoveTheirSnapshots",
    "the snapshots of an image that goes, unless they are tagged `notebake:keep`",
    condition={"Null": NOT_KEPT},
)
AHEAD = datetime.timedelta(minutes=5)
"""EC2 refuses a date in the past, by its own clock, and rounds to minutes."""
LEFT_TO_OTHERS = frozenset(("success", "skipped"))
"""A snapshot is deleted, or stays as another image uses it (API reference, DeregisterImage)."""


@needs(
    "ec2:EnableImageDeprecation",
    RETIRE.on("image"),
    only_for=PRUNES,
    ImageId=IMAGE.stand_in,
    DeprecateAt=datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC),
)
def deprecate_image(image_id: str, region: str, now: datetime.datetime) -> None:
    """Deprecate an image some minutes from now: others do not find it any more. May be repeated."""
    with calling(f"deprecate {image_id}"):
        connect("ec2", region).enable_image_deprecation(ImageId=image_id, DeprecateAt=now + AHEAD)


@needs("ec2:DisableImage", RETIRE.on("image"), only_for=PRUNES, ImageId=IMAGE.stand_in)
def disable_image(image_id: str, region: str) -> None:
    """Disable an image: nobody can launch it until its owner enables it. May be repeated."""
    with calling(f"disable {image_id}"):
        connect("ec2", region).disable_image(ImageId=image_id)


@needs(
    "ec2:DeregisterImage",
    RETIRE.on("image"),
    called="ec2:DeregisterImage to prune",
    only_for=PRUNES,
    ImageId=IMAGE.stand_in,
)
def remove_with_snapshots(
    image_id: str, snapshot_ids: Sequence[str], region: str
) -> tuple[str, ...]:
    """Deregister an image and delete its snapshots; return those that another image uses.

    May be repeated, also after the image is gone.

    Raises:
        CloudError: EC2 refused; some snapshots may be left.
    """
    try:
        with calling(f"deregister {image_id} with its snapshots"):
            answer = connect("ec2", region).deregister_image(
                ImageId=image_id, DeleteAssociatedSnapshots=True
            )
    except CloudError as error:
        # An earlier call deregistered it, and its response was lost.
        if error.code not in GONE_CODES:
            raise
        return remove_left_snapshots(snapshot_ids, region)
    results = {each["SnapshotId"]: each["ReturnCode"] for each in answer["DeleteSnapshotResults"]}
    left = [id for id in snapshot_ids if results.get(id) not in LEFT_TO_OTHERS]
    used = [id for id, code in results.items() if code == "skipped"]
    return (*used, *(remove_left_snapshots(left, region) if left else ()))


@needs(
    "ec2:DeleteSnapshot",
    REMOVE_SNAPSHOTS.on("snapshot"),
    called="ec2:DeleteSnapshot to prune",
    only_for=PRUNES,
    SnapshotId=SNAPSHOT.stand_in,
)
def remove_left_snapshots(snapshot_ids: Sequence[str], region: str) -> tuple[str, ...]:
    """Delete the snapshots of an image that is gone; return those that another image uses.

    Raises:
        CloudError: EC2 refused.
    """
    shown = list_kind(region, SNAPSHOT, SNAPSHOT.id_filter, list(snapshot_ids))
    left = [str(found["SnapshotId"]) for found in shown]
    users = list_kind(region, IMAGE, "block-device-mapping.snapshot-id", left)
    used = {
        disk.get("Ebs", {}).get("SnapshotId")
        for image in users
        for disk in image["BlockDeviceMappings"]
    }
    ec2 = connect("ec2", region)
    for snapshot_id in left:
        if snapshot_id not in used:
            retry_removal(partial(ec2.delete_snapshot, SnapshotId=snapshot_id), snapshot_id)
    return tuple(snapshot_id for snapshot_id in left if snapshot_id in used)
