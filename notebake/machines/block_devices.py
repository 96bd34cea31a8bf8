"""The block device mapping of a builder."""

from typing import Any

from notebake.aws.volumes import device_names
from notebake.recipe import Encryption, EncryptionMode, Recipe, RootVolume


def disks_of_builder(recipe: Recipe, root_device: str) -> list[dict[str, Any]]:
    """Return the mapping of the builder: its termination deletes every disk of the launch."""
    devices = device_names(recipe)
    mapping = [{"DeviceName": root_device, "Ebs": _disk(recipe.root_volume, recipe.encryption)}]
    for volume in recipe.start_volumes:
        if volume.volume_id is None:
            disk = _disk(volume, recipe.encryption)
            if volume.snapshot_id:
                disk["SnapshotId"] = volume.snapshot_id
            mapping.append({"DeviceName": devices[volume.name], "Ebs": disk})
    return mapping


def _disk(volume: RootVolume, encryption: Encryption) -> dict[str, Any]:
    disk: dict[str, Any] = {
        "VolumeSize": volume.size_gib,
        "VolumeType": "gp3",
        "Iops": volume.iops,
        "Throughput": volume.throughput_mib_per_second,
        "DeleteOnTermination": True,
    }
    if encryption.mode is not EncryptionMode.NONE:
        disk["Encrypted"] = True
    if encryption.kms_key_id:
        disk["KmsKeyId"] = encryption.kms_key_id
    return disk
