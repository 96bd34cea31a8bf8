"""Block device mappings: the entries of an image, and the changes that a request makes to them."""

from dataclasses import replace

from sandbox.ec2.errors import ec2_error, invalid_value, missing, unsupported
from sandbox.ec2.model import BlockDevice, Image, Params
from sandbox.ec2.state.region import Region
from sandbox.ec2.storage.keys import default_key, find_usable_key
from sandbox.ec2.storage.volume_limits import check_volume_limits

LARGEST_GIB = 65536
_EBS_FIELDS = {
    "VolumeSize": "size_gib",
    "VolumeType": "volume_type",
    "SnapshotId": "snapshot_id",
    "Iops": "iops",
    "Throughput": "throughput",
    "Encrypted": "encrypted",
    "KmsKeyId": "kms_key_id",
    "DeleteOnTermination": "delete_on_termination",
}
_UNUSED_FIELDS = {"VolumeInitializationRate"}


def launch_mapping(region: Region, image: Image, changes: list[Params]) -> list[BlockDevice]:
    """Return the devices of a new instance, the root first, checked as EC2 checks them."""
    asked = [each.get("DeviceName") for each in changes if "KmsKeyId" in each.get("Ebs", {})]
    merged = [
        with_key_found(region, entry) if entry.device in asked else entry
        for entry in merge_mapping(image.mapping, changes)
    ]
    entries = [complete(region, entry, image=image) for entry in merged if not entry.virtual_name]
    if image.root_device not in [entry.device for entry in entries]:
        message = f"The root device {image.root_device} may not be left out"
        raise ec2_error("InvalidBlockDeviceMapping", message)
    return sorted(entries, key=lambda entry: (entry.device != image.root_device, entry.device))


def merge_mapping(mapping: list[BlockDevice], changes: list[Params]) -> list[BlockDevice]:
    """Return the mapping with the request's changes: removed, altered and added devices."""
    entries = {entry.device: entry for entry in mapping}
    seen: set[str] = set()
    for change in changes:
        device = change.get("DeviceName")
        if not device:
            raise missing("deviceName")
        if device in seen:
            message = f"The device '{device}' is used in more than one block-device mapping"
            raise ec2_error("InvalidBlockDeviceMapping", message)
        seen.add(device)
        if "NoDevice" in change:
            entries.pop(device, None)
        elif "VirtualName" in change:
            entries[device] = BlockDevice(device, virtual_name=change["VirtualName"])
        else:
            known = entries.get(device, BlockDevice(device))
            entries[device] = _alter(known, change.get("Ebs", {}))
    return list(entries.values())


def _alter(entry: BlockDevice, ebs: Params) -> BlockDevice:
    unknown = ebs.keys() - _EBS_FIELDS.keys() - _UNUSED_FIELDS
    if unknown:
        raise unsupported(f"Ebs.{min(unknown)}")
    changes = {_EBS_FIELDS[name]: value for name, value in ebs.items() if name in _EBS_FIELDS}
    if "volume_type" in changes and changes["volume_type"] != entry.volume_type:
        changes = {"iops": None, "throughput": None, **changes}
    return replace(entry, **changes)


def complete(
    region: Region,
    entry: BlockDevice,
    too_small: str = "InvalidBlockDeviceMapping",
    image: Image | None = None,
) -> BlockDevice:
    """Return the entry with the values of its snapshot and the account's defaults.

    `too_small` is the code of the error for a size below that of the snapshot. With an image its
    snapshots need not be shared: "the system provides the instance access to the referenced EBS
    snapshots for the launch",
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-explicit.html
    """
    if entry.snapshot_id:
        snapshot = region.find_snapshot(entry.snapshot_id, image)
        if entry.size_gib and entry.size_gib < snapshot.size_gib:
            message = (
                f"Volume of size {entry.size_gib}GB is smaller than snapshot '{snapshot.id}', "
                f"expect size >= {snapshot.size_gib}GB"
            )
            raise ec2_error(too_small, message)
        entry = replace(
            entry,
            size_gib=entry.size_gib or snapshot.size_gib,
            encrypted=entry.encrypted or snapshot.encrypted,
            kms_key_id=entry.kms_key_id or snapshot.kms_key_id,
        )
    if not entry.size_gib:
        raise missing("size/snapshot")
    check_size(entry.size_gib, "volumeSize")
    check_volume_limits(entry)
    if not (entry.encrypted or region.network.ebs_encryption_by_default):
        return entry
    return replace(entry, encrypted=True, kms_key_id=entry.kms_key_id or key_in_force(region))


def with_key_found(region: Region, entry: BlockDevice) -> BlockDevice:
    """Return the entry with the ARN of the key that was asked for, if EBS can use it.

    "AWS authenticates the KMS key asynchronously. Therefore, if you specify an ID, alias, or ARN
    that is not valid, the action can appear to complete, but eventually fails."
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVolume.html
    """
    if not entry.kms_key_id:
        return entry
    found = find_usable_key(region, entry.kms_key_id)
    return replace(entry, kms_key_id=found or entry.kms_key_id, has_usable_key=found is not None)


def check_size(size_gib: int, name: str) -> None:
    """Raise EC2's error for a size that no volume can have."""
    if not 1 <= size_gib <= LARGEST_GIB:
        raise invalid_value(size_gib, name)


def key_in_force(region: Region) -> str:
    """Return the key with which the account encrypts: its own choice, or EBS's default key."""
    return str(region.network.default_kms_key_id or default_key(region))
