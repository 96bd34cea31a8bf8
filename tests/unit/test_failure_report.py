"""What a failure report says of what is left besides the machines."""

from notebake.aws.model import Resource
from notebake.machines.failure_report import describe_other_leftovers


def snapshot(role: str, number: int = 1) -> Resource:
    return Resource(
        kind="snapshot",
        id=f"snap-{role}-{number}",
        tags={"notebake:role": role},
        region="us-west-2",
        size_gib=8,
    )


def test_copies_of_disks_ahead_of_the_image_are_no_image() -> None:
    lines = describe_other_leftovers(
        [], [snapshot("early-snapshot"), snapshot("early-snapshot", 2)]
    )

    assert len(lines) == 1
    assert lines[0].startswith("2 snapshots, copies of disks ahead of the image, are left: about $")
    assert lines[0].endswith(" a month at most; the tear-down removes them.")


def test_an_image_is_named_beside_them() -> None:
    image = Resource(kind="image", id="ami-1")

    image_line, early_line = describe_other_leftovers(
        [], [snapshot("early-snapshot"), image, snapshot("builder"), snapshot("builder", 2)]
    )

    assert image_line.startswith("ami-1 (2 snapshots) is left, not accepted: about $")
    assert early_line.startswith(
        "1 snapshot, a copy of a disk ahead of the image, is left: about $"
    )
    assert early_line.endswith("the tear-down removes it.")
