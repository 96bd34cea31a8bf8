"""Accepted images with disks, in the strict cloud and in a run store, for tests of sharing."""

import secrets
from dataclasses import replace
from typing import Any

from notebake.aws.clients import connect
from notebake.aws.model import Image
from sandbox.ec2.model import BlockDevice, Snapshot
from tests.cloud_world import REGION
from tests.pointer_world import Baked, PointerWorld

FRIEND, OTHER = "210987654321", "321098765432"
ORGANIZATION = f"arn:aws:organizations::{FRIEND}:organization/o-1234567890"
UNIT = f"arn:aws:organizations::{FRIEND}:ou/o-1234567890/ou-ab12-12345678"
THERE = "eu-central-1"
ACCOUNT = "123456789012"


def bake(world: PointerWorld, *, key_id: str | None = None, **more: Any) -> Baked:
    """Return a run with an accepted image that has a root of 8 GiB, and 2 GiB of data."""
    run, image = world.bake(**more)
    cloud = world.world.sandbox
    region = cloud.cloud.region(REGION)
    devices = []
    for device, size_gib in (("/dev/sda1", 8), ("/dev/sdf", 2)):
        snapshot = Snapshot(
            id=f"snap-{secrets.token_hex(8)}0",
            volume_id="vol-0123456789abcdef0",
            size_gib=size_gib,
            owner_id=region.account_id,
            encrypted=key_id is not None,
            kms_key_id=key_id,
            is_root=device == "/dev/sda1",
            state="completed",
            progress="100%",
            start_time=region.now(),
        )
        region.snapshots[snapshot.id] = snapshot
        cloud.machines.snapshots[snapshot.id] = f"{device} of {image.id}"
        devices.append(
            BlockDevice(
                device,
                size_gib=size_gib,
                snapshot_id=snapshot.id,
                encrypted=key_id is not None,
                delete_on_termination=True,
            )
        )
    cloud.machines.baked.append(image.id)
    found = region.images[image.id]
    region.images[image.id] = replace(found, mapping=devices)
    ids = tuple(str(each.snapshot_id) for each in devices)
    return run, Image(**{**image.model_dump(), "snapshot_ids": ids})


def permissions(image_id: str, region: str = REGION) -> list[dict[str, str]]:
    """Return what EC2 says of who may launch an image."""
    asked = {"ImageId": image_id, "Attribute": "launchPermission"}
    shown = connect("ec2", region).describe_image_attribute(**asked)
    return list(shown["LaunchPermissions"])


def readers(image: Image, region: str = REGION) -> list[set[str]]:
    """Return the accounts that may read each snapshot of an image."""
    ec2 = connect("ec2", region)
    return [
        {
            permission["UserId"]
            for permission in ec2.describe_snapshot_attribute(
                SnapshotId=snapshot_id, Attribute="createVolumePermission"
            )["CreateVolumePermissions"]
        }
        for snapshot_id in image.snapshot_ids
    ]


def copies_in(world: PointerWorld, region: str = THERE) -> list[Any]:
    """Return the account's images in a region, as the cloud has them."""
    found = world.world.sandbox.cloud.region(region)
    return [image for image in found.images.values() if image.owner_id == ACCOUNT]


def snapshots_in(world: PointerWorld, region: str = THERE) -> set[str]:
    """Return the account's snapshots in a region, as the cloud has them."""
    found = world.world.sandbox.cloud.region(region)
    return {each.id for each in found.snapshots.values() if each.owner_id == ACCOUNT}
