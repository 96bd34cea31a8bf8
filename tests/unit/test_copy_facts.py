"""In what a copy differs from its source: each thing that a launch depends on is named."""

from typing import Any

import pytest

from notebake.images.copying.facts import COMPARED, compare_facts, read_facts

SOURCE: dict[str, Any] = {
    **{name: f"{name} of the source" for name in COMPARED},
    "EnaSupport": True,
    "BlockDeviceMappings": [
        {
            "DeviceName": "/dev/sda1",
            "Ebs": {
                "VolumeSize": 8,
                "VolumeType": "gp3",
                "Iops": 3000,
                "Throughput": 125,
                "DeleteOnTermination": True,
                "SnapshotId": "snap-1",
                "Encrypted": False,
            },
        },
        {"DeviceName": "/dev/sdb", "VirtualName": "ephemeral0"},
    ],
}


def differing(**changes: Any) -> list[str]:
    return compare_facts(read_facts(SOURCE), read_facts({**SOURCE, **changes}))


def test_names_of_snapshots_and_images_do_not_count() -> None:
    root, store = SOURCE["BlockDeviceMappings"]
    other = {**root, "Ebs": {**root["Ebs"], "SnapshotId": "snap-2"}}

    assert differing(BlockDeviceMappings=[store, other], ImageId="ami-2", Name="other") == []


@pytest.mark.parametrize("field", COMPARED)
def test_each_field_counts(field: str) -> None:
    assert differing(**{field: "other"}) == [f"{field} is other, not {SOURCE[field]}"]
    assert differing(**{field: None}) == [f"{field} is missing, not {SOURCE[field]}"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("VolumeSize", 9), ("VolumeType", "gp2"), ("Iops", 4000)),
        *(("Throughput", 250), ("DeleteOnTermination", False)),
    ],
)
def test_each_field_of_a_disk_counts(field: str, value: object) -> None:
    root, store = SOURCE["BlockDeviceMappings"]
    other = {**root, "Ebs": {**root["Ebs"], field: value}}

    (found,) = differing(BlockDeviceMappings=[other, store])

    assert found.startswith(f"/dev/sda1 {field} is {value}")


def test_a_device_too_many_or_too_few_counts() -> None:
    root, store = SOURCE["BlockDeviceMappings"]
    more = {**store, "DeviceName": "/dev/sdc"}

    assert differing(BlockDeviceMappings=[root]) == ["only the source has the device /dev/sdb"]
    assert differing(BlockDeviceMappings=[root, store, more]) == [
        "only the copy has the device /dev/sdc"
    ]
