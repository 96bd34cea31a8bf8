"""Rebakes on real hosts that start from the image before, and the next from the base again."""

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.bakery import Bakery
from tests.sandbox.conftest import files_served
from tests.sandbox.rebake_world import RebakeWorld, days_ago

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(
        not os.environ.get("NOTEBAKE_TEST_ALL"), reason="minutes of bakes: make test-all"
    ),
]
DEPTHS = b"station depth\n" * 500
VOLUMES = [
    {"name": "data", "mount_point": "/data", "size_gib": 1},
    {"name": "old", "mount_point": "/old", "size_gib": 1, "file_system": "xfs"},
    {"name": "work", "mount_point": "/work", "size_gib": 1, "in_image": False},
]
POLICY = {"on": ["direct", "repository", "security"], "cooldown_days": 0, "generations": 1}


@dataclass
class Row:
    """An image by hand, a rebake from it, and one more, which starts from the base again."""

    bakery: Bakery
    base: str
    images: list[dict[str, Any]] = field(default_factory=list)
    """As EC2 describes them, the oldest first."""
    messages: list[str] = field(default_factory=list)
    """Of the two rebakes."""
    fetched: list[int] = field(default_factory=list)
    """How often the dataset had been sent after each bake."""

    @property
    def runs(self) -> list[Path]:
        return sorted(self.bakery.store.glob("reef-*"))

    def note_image(self, fetched: list[str]) -> None:
        wanted = [{"Name": "tag:notebake:recipe", "Values": ["reef"]}]
        found = self.bakery.cloud.ec2().describe_images(Filters=wanted)["Images"]
        known = {image["ImageId"] for image in self.images}
        self.images += [image for image in found if image["ImageId"] not in known]
        self.fetched.append(len(fetched))

    def bases(self) -> list[str]:
        """Return from which image each was made, as `images` says it."""
        listed = json.loads(self.bakery.notebake("images", "--json").printed)["images"]
        bases = {each["image_id"]: each["base_image_id"] for each in listed}
        return [str(bases[image["ImageId"]]) for image in self.images]

    def locked(self, run: Path, name: str) -> str:
        """Return the version of a package that a run has installed."""
        lines = (run / "locks/requirements.txt").read_text().splitlines()
        return next(line.partition("==")[2] for line in lines if line.startswith(f"{name}=="))


@pytest.fixture(scope="module")
def row(bakery: Bakery, rebake_world: RebakeWorld) -> Row:
    folder, fetched = bakery.folder / "reef-data", list[str]()
    folder.mkdir()
    (folder / "depths.txt").write_bytes(DEPTHS)
    address = bakery.cloud.serve("reef", {"README.md": "# Reef\n"}, bakery.folder / "reef")
    row = Row(bakery, rebake_world.image_id)
    with files_served(bakery.cloud.home.gateway, folder, fetched) as url:
        dataset = {
            "name": "depths",
            "source": f"{url}/depths.txt",
            "path": "/old/depths.txt",
            "sha256": hashlib.sha256(DEPTHS).hexdigest(),
        }
        recipe = rebake_world.write_recipe(
            "reef",
            software={"manager": "pip", "packages": ["tide"], "apt": ["wave"]},
            repository={"url": address, "ref": "main", "path": "/data/reef"},
            volumes=VOLUMES,
            datasets=[dataset],
            rebake=POLICY,
        )
        done = bakery.notebake("build", str(recipe))
        assert done.exit_code == 0, done.printed
        row.note_image(fetched)
        for version in ("1.1", "1.2"):
            rebake_world.index.add_release("tide", version, uploaded_at=days_ago(20))
            rebake_world.archive.add_package("wave", f"1.0-1+sec{version[-1]}", "tide-security")
            rebake_world.archive.publish()
            bakery.cloud.serve("reef", {"README.md": version}, bakery.folder / "reef")
            name, message = bakery.update(recipe)
            assert name == "Completed", message
            row.messages.append(message)
            row.note_image(fetched)
    return row


def test_a_rebake_starts_from_the_image_before_and_the_next_from_the_base(row: Row) -> None:
    first, second, _ = (image["ImageId"] for image in row.images)

    assert row.bases() == [row.base, first, row.base]
    assert f"; made from {first}, the image before (1 of at most 1 in a row)" in row.messages[0]
    assert row.messages[1].endswith(
        "; made from the base image: 1 in a row started from the image before"
    )
    assert second not in row.messages[1]


def test_what_changed_came_whatever_it_started_from(row: Row) -> None:
    assert [row.locked(run, "tide") for run in row.runs] == ["1.0", "1.1", "1.2"]
    for message, old, new in zip(
        row.messages, ("1.0-1", "1.0-1+sec1"), ("1.0-1+sec1", "1.0-1+sec2"), strict=True
    ):
        assert f"security (wave {old} -> {new})" in message
        assert "base image" not in message.partition("; made ")[0]


def test_data_that_came_with_the_image_before_is_not_fetched_again(row: Row) -> None:
    by_hand, from_previous, from_base = row.fetched

    assert (from_previous - by_hand, from_base - from_previous) == (0, by_hand)
    kept = [json.loads((run / "datasets.json").read_text())["sources"] for run in row.runs]
    assert kept[0] == kept[1] == kept[2], "a later check has something to compare with"


def test_the_data_disks_are_made_of_the_snapshots_of_the_image_before(row: Row) -> None:
    devices = [
        {each["DeviceName"]: each["Ebs"]["SnapshotId"] for each in image["BlockDeviceMappings"]}
        for image in row.images
    ]

    assert [sorted(each) for each in devices] == [sorted(devices[0])] * 3
    assert len(devices[0]) == 3, "the root, and the two disks that are in the image"
    assert not set(devices[0].values()) & set(devices[1].values())


def test_revoking_the_first_image_names_the_second_as_made_from_it(row: Row) -> None:
    first, second, third = (image["ImageId"] for image in row.images)

    revoked = row.bakery.notebake("revoke", first, "--reason", "a broken library")

    assert revoked.exit_code == 0, revoked.printed
    assert second in revoked.printed
    assert third not in revoked.printed
