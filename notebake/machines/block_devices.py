"""The block device mapping of a builder."""

from typing import Any

from notebake.recipe import Encryption, EncryptionMode, Recipe, RootVolume

DEVICES = tuple(f"/dev/sd{letter}" for letter in "fghijklmnopqrst")


def device_names(recipe: Recipe) -> dict[str, str]:
    """Return the device name of each volume, by the volume's name.

    The names only label EC2's mapping: on the host a disk is found by its volume id.
    """
    return {volume.name: device for volume, device in zip(recipe.volumes, DEVICES, strict=False)}


def disks_of_builder(recipe: Recipe, root_device: str) -> list[dict[str, Any]]:
    """Return the mapping of the builder: its termination deletes every disk of the launch."""
    devices = device_names(recipe)
    mapping = [{"DeviceName": root_device, "Ebs": _disk(recipe.root_volume, recipe.encryption)}]
    for volume in recipe.volumes:
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
