"""No disk with anything on it is ever formatted, and a tear-down takes all but what was there."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.build_plan import BUILD
from notebake.aws.clients import connect
from notebake.errors import HostCommandError
from notebake.recipe.file import load_recipe
from notebake.runbook.step import Step, carry_out
from notebake.runs import registry
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from tests.cloud_steps import seal
from tests.sandbox.bakery import Bakery, RunFolder

pytestmark = pytest.mark.sandbox

MARKER = "of somebody who was here before"
STEPS: dict[str, Step] = {step.name: step for step in BUILD}
TO_THE_HOST = ("preflight", "import_key_pair", "open_ssh", "launch_instance", "wait_for_host")
TO_THE_MACHINES = ("stop_builder", "request_image", "wait_for_image", "launch_acceptance")


@dataclass(frozen=True)
class Disks:
    """A run whose builder has a new disk, a foreign one, one of before, and one of a snapshot."""

    bakery: Bakery
    run: Run
    folder: RunFolder
    kept_id: str

    @property
    def kept_file(self) -> Path:
        return self.bakery.cloud.home.path / "volumes" / f"{self.kept_id}.img"

    def carry_out(self, *names: str) -> None:
        for name in names:
            if name == "stop_builder":
                seal(self.run)
            carry_out(STEPS[name], self.run)

    def link_to(self, mount_point: str) -> str:
        """Return the disk that the recipe wants at a mount point, as the machine names it."""
        names = [volume.mount_point for volume in self.run.recipe.volumes]
        device = f"/dev/sd{'fghi'[names.index(mount_point)]}"
        mapping = self.folder.machines()[0]["BlockDeviceMappings"]
        ids = {device["DeviceName"]: device["Ebs"]["VolumeId"] for device in mapping}
        return f"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{ids[device].replace('-', '')}"


@pytest.fixture(scope="module")
def disks(bakery: Bakery) -> Iterator[Disks]:
    kept_id, snapshot_id = make_volume(bakery), make_snapshot(bakery)
    recipe = bakery.write_recipe(
        "disks",
        volumes=[
            {"name": "copied", "mount_point": "/copied", "size_gib": 2, "snapshot_id": snapshot_id},
            {"name": "foreign", "mount_point": "/foreign", "size_gib": 1},
            {"name": "kept", "mount_point": "/kept", "volume_id": kept_id},
            {"name": "new", "mount_point": "/new", "size_gib": 1, "file_system": "xfs"},
        ],
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, value in bakery.cloud.environment.items():
            patch.setenv(name, value)
        connect.cache_clear()
        run = registry.new_run(load_recipe(recipe), str(recipe), open_store(str(bakery.store)))
        made = Disks(bakery, run, RunFolder(bakery.cloud, bakery.store / run.id), kept_id)
        made.carry_out(*TO_THE_HOST)
        yield made
    connect.cache_clear()


def make_volume(bakery: Bakery) -> str:
    """Return a volume with a file system and a file, as another machine would leave it."""
    ec2 = bakery.cloud.ec2()
    made = ec2.create_volume(AvailabilityZone="us-west-2b", Size=1, VolumeType="gp3")
    volume_id: str = made["VolumeId"]
    ec2.get_waiter("volume_available").wait(VolumeIds=[volume_id], WaiterConfig={"Delay": 1})
    file = bakery.cloud.home.path / "volumes" / f"{volume_id}.img"
    subprocess.run(["mkfs.ext4", "-q", "-F", file], check=True)
    with mounted(file) as place:
        (place / "marker").write_text(MARKER)
    return volume_id


def make_snapshot(bakery: Bakery) -> str:
    ec2, volume_id = bakery.cloud.ec2(), make_volume(bakery)
    snapshot_id: str = ec2.create_snapshot(VolumeId=volume_id)["SnapshotId"]
    ec2.get_waiter("snapshot_completed").wait(SnapshotIds=[snapshot_id], WaiterConfig={"Delay": 1})
    ec2.delete_volume(VolumeId=volume_id)
    return snapshot_id


@contextmanager
def mounted(file: Path) -> Iterator[Path]:
    place = file.parent.parent / "place"
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop", file, place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


@pytest.fixture(scope="module")
def refused(disks: Disks) -> HostCommandError:
    """Let somebody else use a disk that the recipe takes for blank, then mount."""
    disks.folder.login().run(
        f"mkfs.ext2 -q {disks.link_to('/foreign')}; mount {disks.link_to('/foreign')} /mnt;"
        f" echo -n {MARKER!r} > /mnt/marker; umount /mnt"
    )
    with pytest.raises(HostCommandError) as caught:
        disks.carry_out("mount_volumes")
    return caught.value


@pytest.fixture(scope="module")
def all_mounted(disks: Disks, refused: HostCommandError) -> Disks:
    """Blank the disk, as the person would whom the refusal told, and go on."""
    assert refused
    disks.folder.login().run(f"wipefs --all --quiet {disks.link_to('/foreign')}")
    disks.folder.login().run(f"blkdiscard --force --zeroout {disks.link_to('/foreign')}")
    disks.carry_out("mount_volumes")
    return disks


def test_a_disk_that_is_not_blank_is_refused_and_unchanged(
    disks: Disks, refused: HostCommandError
) -> None:
    assert "is not blank" in refused.message
    assert "ext2" in refused.message
    disk = disks.link_to("/foreign")
    read = f"mount -o ro {disk} /mnt; cat /mnt/marker; umount /mnt; blkid -o value -s TYPE {disk}"
    assert disks.folder.login().run(read) == f"{MARKER}ext2"


def test_content_of_existing_volumes_is_on_the_machine(all_mounted: Disks) -> None:
    login = all_mounted.folder.login()
    assert login.run("cat /kept/marker; echo; cat /copied/marker") == f"{MARKER}\n{MARKER}"
    types = "for p in /copied /foreign /kept /new; do findmnt -no FSTYPE --mountpoint $p; done"
    assert login.run(types).split() == ["ext4", "ext4", "ext4", "xfs"]
    for place in ("/kept", "/copied", "/new", "/foreign"):
        wanted = login.run(f"readlink -f {all_mounted.link_to(place)}")
        assert login.run(f"findmnt -no SOURCE --mountpoint {place}") == wanted


def test_a_second_mounting_changes_nothing(all_mounted: Disks) -> None:
    login, look = all_mounted.folder.login(), "cat /etc/fstab; blkid --cache-file /dev/null | sort"
    before = login.run(look)
    STEPS["mount_volumes"].make(all_mounted.run)
    assert login.run(look) == before


def test_a_tear_down_removes_all_but_the_volume_that_was_there_before(all_mounted: Disks) -> None:
    """The image was never accepted: it goes too, with its snapshots and its machines."""
    all_mounted.carry_out(*TO_THE_MACHINES)
    there = sorted(all_mounted.folder.resources())
    assert there.count("machine") == 3
    assert {"image", "key pair", "security group", "snapshot"} < set(there)
    done = all_mounted.bakery.notebake("tear-down", all_mounted.run.id)
    assert done.exit_code == 0, done.printed
    assert all_mounted.folder.resources() == []
    with mounted(all_mounted.kept_file) as place:
        assert (place / "marker").read_text() == MARKER
    again = all_mounted.bakery.notebake("tear-down", all_mounted.run.id)
    assert again.exit_code == 0, again.printed
