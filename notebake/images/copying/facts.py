"""What a copy must have in common with its source, as EC2 shows both.

Not among it: the content. EC2 has no digest of a snapshot, and reading each block by the EBS direct
APIs would cost as much as the copy; so nobody can say more than EC2 does: that it is complete.
"""

from typing import Any

from notebake.record import Record

COMPARED = (
    *("Architecture", "BootMode", "EnaSupport", "ImdsSupport", "Platform", "RootDeviceName"),
    *("RootDeviceType", "TpmSupport", "VirtualizationType"),
)
"""The fields of an image that a launch depends on."""
OF_DISKS = ("VolumeSize", "VolumeType", "Iops", "Throughput", "DeleteOnTermination")


class ImageFacts(Record):
    """What a launch depends on: fields of the image, and of each of its devices."""

    fields: dict[str, str]
    devices: dict[str, dict[str, str]]
    """By the name of the device; an instance store has a `VirtualName` only."""


def read_facts(described: dict[str, Any]) -> ImageFacts:
    """Return the facts in EC2's description of an image."""
    devices = {}
    for mapping in described.get("BlockDeviceMappings", []):
        disk = mapping.get("Ebs", {})
        shown = {name: str(disk[name]) for name in OF_DISKS if name in disk}
        if "VirtualName" in mapping:
            shown["VirtualName"] = str(mapping["VirtualName"])
        devices[str(mapping["DeviceName"])] = shown
    fields = {name: str(described[name]) for name in COMPARED if described.get(name) is not None}
    return ImageFacts(fields=fields, devices=devices)


def compare_facts(source: ImageFacts, copy: ImageFacts) -> list[str]:
    """Return in what a copy differs from its source, for people."""
    found = _compare("", source.fields, copy.fields)
    for device in sorted(source.devices.keys() | copy.devices.keys()):
        if device not in copy.devices or device not in source.devices:
            where = "source" if device in source.devices else "copy"
            found.append(f"only the {where} has the device {device}")
            continue
        found += _compare(f"{device} ", source.devices[device], copy.devices[device])
    return found


def _compare(where: str, source: dict[str, str], copy: dict[str, str]) -> list[str]:
    return [
        f"{where}{name} is {copy.get(name, 'missing')}, not {source.get(name, 'missing')}"
        for name in sorted(source.keys() | copy.keys())
        if source.get(name) != copy.get(name)
    ]
