"""Block device mappings: what an image brings, and what a request changes of it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from moto.utilities.utils import get_partition

from sandbox.ec2.errors import invalid_value, missing, refusal, unsupported
from sandbox.ec2.model import BlockDevice, Image
from sandbox.ec2.state.region import Region
from sandbox.ec2.storage.volume_limits import check_performance

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


def launch_mapping(
    region: Region, image: Image, asked: list[Mapping[str, Any]]
) -> list[BlockDevice]:
    """Return the devices of a new instance, root first; checked as EC2 checks them."""
    merged = merge_mapping(image.mapping, asked)
    devices = [_complete(region, line) for line in merged if not line.virtual_name]
    if image.root_device not in [line.device for line in devices]:
        message = f"The root device {image.root_device} may not be left out"
        raise refusal("InvalidBlockDeviceMapping", message)
    return sorted(devices, key=lambda line: (line.device != image.root_device, line.device))


def merge_mapping(mapping: list[BlockDevice], asked: list[Mapping[str, Any]]) -> list[BlockDevice]:
    """Return the mapping with the request's changes: dropped, altered and added devices."""
    lines = {line.device: line for line in mapping}
    seen: set[str] = set()
    for one in asked:
        device = one.get("DeviceName")
        if not device:
            raise missing("deviceName")
        if device in seen:
            message = f"The device '{device}' is used in more than one block-device mapping"
            raise refusal("InvalidBlockDeviceMapping", message)
        seen.add(device)
        if "NoDevice" in one:
            lines.pop(device, None)
        elif "VirtualName" in one:
            lines[device] = BlockDevice(device, virtual_name=one["VirtualName"])
        else:
            lines[device] = _alter(lines.get(device, BlockDevice(device)), one.get("Ebs", {}))
    return list(lines.values())


def _alter(line: BlockDevice, ebs: Mapping[str, Any]) -> BlockDevice:
    unknown = ebs.keys() - _EBS_FIELDS.keys() - _UNUSED_FIELDS
    if unknown:
        raise unsupported(f"Ebs.{sorted(unknown)[0]}")
    changes = {_EBS_FIELDS[name]: value for name, value in ebs.items() if name in _EBS_FIELDS}
    if "volume_type" in changes and changes["volume_type"] != line.volume_type:
        changes = {"iops": None, "throughput": None, **changes}
    return replace(line, **changes)


def _complete(region: Region, line: BlockDevice) -> BlockDevice:
    """Return the line with what its snapshot and the account's defaults say."""
    if line.snapshot_id:
        snapshot = region.find_snapshot(line.snapshot_id)
        if line.size_gib and line.size_gib < snapshot.size_gib:
            message = (
                f"Volume of size {line.size_gib}GB is smaller than snapshot '{snapshot.id}', "
                f"expect size >= {snapshot.size_gib}GB"
            )
            raise refusal("InvalidBlockDeviceMapping", message)
        line = replace(
            line,
            size_gib=line.size_gib or snapshot.size_gib,
            encrypted=line.encrypted or snapshot.encrypted,
            kms_key_id=line.kms_key_id or snapshot.kms_key_id,
        )
    if not line.size_gib:
        raise missing("size or snapshotId")
    if not 1 <= line.size_gib <= LARGEST_GIB:
        raise invalid_value(line.size_gib, "volumeSize")
    check_performance(line)
    return encrypt_by_default(region, line)


def encrypt_by_default(region: Region, line: BlockDevice) -> BlockDevice:
    """Return the line encrypted where the account encrypts everything."""
    if not (line.encrypted or region.network.ebs_encryption_by_default):
        return line
    return replace(line, encrypted=True, kms_key_id=line.kms_key_id or key_in_force(region))


def key_in_force(region: Region) -> str:
    """Return the key that the account encrypts with: one of its choice, or EBS's own."""
    return str(region.network.default_kms_key_id or default_key(region))


def default_key(region: Region) -> str:
    """Return the account's own EBS key: what it encrypts cannot be shared."""
    return f"arn:{get_partition(region.name)}:kms:{region.name}:{region.account_id}:alias/aws/ebs"
