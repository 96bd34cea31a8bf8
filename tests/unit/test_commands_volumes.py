import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from notebake.commands.volumes import (
    device_link,
    file_system_uuid,
    prepare_volume,
    volumes_are_mounted,
)
from notebake.recipe import Volume
from tests.unit.loop_disks import LoopDisks, command, content, run_alone
from tests.unit.shell_world import ShellWorld, shell_world

SIZE_MIB = {"ext4": 32, "xfs": 320}
"""As small as the programs make them."""
FIRST, SECOND = "vol-0123456789abcdef0", "vol-0fedcba9876543210"


class Disks(LoopDisks):
    """Disks of volumes, and an fstab."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        (directory / "fstab").write_text("# a comment\nLABEL=root / ext4 defaults 0 1\n")

    def add_volume(self, volume_id: str, size_mib: int = 32) -> str:
        return self.add(Path(device_link(volume_id)).name, size_mib)

    @property
    def places(self) -> dict[str, str]:
        return {"by_id": self.by_id, "fstab": f"{self.directory}/fstab"}

    def prepare(self, volume: Volume, volume_id: str) -> str:
        return prepare_volume(
            volume=volume,
            volume_id=volume_id,
            user="nobody",
            wait_seconds=1,
            state=f"{self.directory}/state",
            **self.places,
        )


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[Disks]:
    disks = Disks(tmp_path)
    try:
        yield disks
    finally:
        disks.remove_all()


@pytest.fixture
def world(tmp_path: Path) -> ShellWorld:
    return shell_world(tmp_path)


def data(directory: Path, file_system: str = "ext4", **more: str) -> Volume:
    volume = Volume.model_validate(
        {"name": "data", "mount_point": "/data", "file_system": file_system} | more
    )
    return volume.model_copy(update={"mount_point": f"{directory}/data"})


def lines_of(path: Path) -> list[str]:
    return (path / "fstab").read_text().splitlines()


@pytest.mark.sandbox
@pytest.mark.parametrize("file_system", ["ext4", "xfs"])
def test_a_blank_volume_is_formatted_mounted_and_owned_by_the_user(
    world: ShellWorld, disks: Disks, tmp_path: Path, file_system: str
) -> None:
    device = disks.add_volume(FIRST, SIZE_MIB[file_system])
    volume = data(tmp_path, file_system)
    look = f"stat --format=%U {volume.mount_point}; touch {volume.mount_point}/kept"
    probe = volumes_are_mounted([(volume, FIRST)], **disks.places)
    without_id = volumes_are_mounted([(volume, None)], **disks.places)
    done = run_alone(world, disks.prepare(volume, FIRST), look, probe, without_id)
    assert done.returncode == 0, done.stderr
    assert "nobody" in done.stdout
    assert command("blkid", "-p", "-s", "UUID", "-o", "value", device).strip() == file_system_uuid(
        FIRST
    )
    again = run_alone(world, disks.prepare(volume, FIRST), f"ls {volume.mount_point}")
    assert again.returncode == 0, again.stderr
    assert "kept" in again.stdout
    assert "Formatting" not in again.stdout
    twice = disks.prepare(volume, FIRST)
    assert run_alone(world, twice, twice, probe).returncode == 0
    assert lines_of(tmp_path)[:2] == ["# a comment", "LABEL=root / ext4 defaults 0 1"]
    assert len(lines_of(tmp_path)) == 3
    assert "nofail,x-systemd.device-timeout=30s" in lines_of(tmp_path)[2]


@pytest.mark.sandbox
@pytest.mark.parametrize("other_first", [True, False])
def test_only_the_disk_with_the_volumes_id_is_touched(
    world: ShellWorld, disks: Disks, tmp_path: Path, other_first: bool
) -> None:
    order = [SECOND, FIRST] if other_first else [FIRST, SECOND]
    devices = {volume_id: disks.add_volume(volume_id) for volume_id in order}
    assert run_alone(world, disks.prepare(data(tmp_path), FIRST)).returncode == 0
    assert content(devices[SECOND]) == b""
    assert content(devices[FIRST]) != b""


# One Linux partition from sector 2048 on, and the signature of a DOS partition table.
MBR_ENTRY = r"'\0\0\0\0\203\0\0\0\0\010\0\0\0\020\0\0" + r"\0" * 48 + r"\125\252'"
HOLDS = {
    "another ext4": "mkfs.ext4 -q {}",
    "a volume of LVM": "printf LABELONE | dd of={} seek=512 bs=1 conv=notrunc",
    "a partition table": f"printf {MBR_ENTRY} | dd of={{}} seek=446 bs=1 conv=notrunc",
    "swap": "mkswap {}",
    "raw bytes at its start": "printf data | dd of={} seek=60000 bs=1 conv=notrunc",
    "raw bytes at its end": "printf data | dd of={} seek=33554000 bs=1 conv=notrunc",
}


@pytest.mark.sandbox
@pytest.mark.parametrize("what", HOLDS)
def test_a_new_volume_with_content_is_refused_and_not_changed(
    world: ShellWorld, disks: Disks, tmp_path: Path, what: str
) -> None:
    device = disks.add_volume(FIRST)
    assert world.run(HOLDS[what].format(device)).returncode == 0
    before = content(device)
    refused = run_alone(world, disks.prepare(data(tmp_path), FIRST))
    assert refused.returncode == 1
    assert f"Volume data ({FIRST}, {device}): is not blank, it holds: " in refused.stderr
    assert content(device) == before != b""
    assert len(lines_of(tmp_path)) == 2


@pytest.mark.sandbox
@pytest.mark.parametrize("file_system", ["ext4", "xfs"])
@pytest.mark.parametrize("killed", ["before it began", "half-way", "at its end"])
def test_an_interrupted_format_is_repeated(
    world: ShellWorld, disks: Disks, tmp_path: Path, file_system: str, killed: str
) -> None:
    device = disks.add_volume(FIRST, SIZE_MIB[file_system])
    volume = data(tmp_path, file_system)
    program = f"mkfs.{file_system}"
    half = f"dd if=/dev/urandom of={device} bs=4096 seek=300 count=4 conv=notrunc status=none;"
    real = f'/usr/sbin/{program} "$@"; '
    body = {"before it began": "", "half-way": half, "at its end": real}[killed]
    fake = world.fake(program, f"{body}kill -KILL $PPID")
    assert run_alone(world, disks.prepare(volume, FIRST)).returncode != 0
    assert any(call.startswith(program) for call in world.calls), "the fault did not fire"
    fake.unlink()
    probe = volumes_are_mounted([(volume, FIRST)], **disks.places)
    done = run_alone(world, disks.prepare(volume, FIRST), probe)
    assert done.returncode == 0, done.stderr


@pytest.mark.sandbox
def test_a_foreign_file_system_found_after_a_kill_is_refused(
    world: ShellWorld, disks: Disks, tmp_path: Path
) -> None:
    device = disks.add_volume(FIRST)
    fake = world.fake("mkfs.ext4", "kill -KILL $PPID")
    assert run_alone(world, disks.prepare(data(tmp_path), FIRST)).returncode != 0
    fake.unlink()
    command("mkfs.ext4", "-q", device)
    before = content(device)
    refused = run_alone(world, disks.prepare(data(tmp_path), FIRST))
    assert "is not blank any more" in refused.stderr
    assert content(device) == before


@pytest.mark.sandbox
@pytest.mark.parametrize("file_system", ["ext4", "xfs"])
def test_an_existing_volume_is_mounted_without_formatting(
    world: ShellWorld, disks: Disks, tmp_path: Path, file_system: str
) -> None:
    device = disks.add_volume(FIRST, SIZE_MIB[file_system])
    theirs = str(uuid.uuid4())
    with_uuid = {"ext4": ("-U", theirs), "xfs": ("-m", f"uuid={theirs}")}
    command(f"mkfs.{file_system}", "-q", *with_uuid[file_system], device)
    volume = data(tmp_path, file_system, snapshot_id="snap-0123456789abcdef0")
    owner = f"stat --format=%U {volume.mount_point}"
    done = run_alone(world, disks.prepare(volume, FIRST), owner)
    assert done.returncode == 0, done.stderr
    assert "root" in done.stdout.splitlines()
    assert lines_of(tmp_path)[2].startswith(f"UUID={theirs} ")


def put_smaller_file_system(device: str, file_system: str) -> None:
    """Put a file system on a disk as a snapshot of a smaller disk has it."""
    mib = SIZE_MIB[file_system]
    sizes = {"ext4": (device, f"{mib}M"), "xfs": ("-d", f"size={mib}m", device)}
    command(f"mkfs.{file_system}", "-q", *sizes[file_system])


def may_grow_ext4() -> bool:
    """Whether this process has CAP_SYS_RESOURCE (linux/capability.h), which root of EC2 has."""
    (mask,) = re.findall(r"^CapEff:\s*(\w+)", Path("/proc/self/status").read_text(), re.MULTILINE)
    return bool(int(mask, 16) >> 24 & 1)


NEEDS_CAPABILITY = pytest.mark.skipif(not may_grow_ext4(), reason="needs CAP_SYS_RESOURCE")


@pytest.mark.sandbox
@pytest.mark.parametrize("file_system", [pytest.param("ext4", marks=NEEDS_CAPABILITY), "xfs"])
def test_a_volume_from_a_smaller_snapshot_gets_the_size_of_its_disk(
    world: ShellWorld, disks: Disks, tmp_path: Path, file_system: str
) -> None:
    put_smaller_file_system(disks.add_volume(FIRST, 600), file_system)
    volume = data(tmp_path, file_system, snapshot_id="snap-0123456789abcdef0")
    size = f"findmnt --bytes --noheadings --output SIZE {volume.mount_point}"
    mounting = disks.prepare(volume, FIRST)
    done = run_alone(world, mounting, size, mounting)
    assert done.returncode == 0, done.stderr
    (shown,) = (int(line) for line in done.stdout.splitlines() if line.strip().isdigit())
    assert shown > 400 << 20


@pytest.mark.sandbox
@pytest.mark.parametrize("file_system", ["ext4", "xfs"])
def test_an_existing_volume_keeps_the_size_of_its_file_system(
    world: ShellWorld, disks: Disks, tmp_path: Path, file_system: str
) -> None:
    put_smaller_file_system(disks.add_volume(FIRST, 600), file_system)
    volume = data(tmp_path, file_system, volume_id=FIRST)
    size = f"findmnt --bytes --noheadings --output SIZE {volume.mount_point}"
    done = run_alone(world, disks.prepare(volume, FIRST), size)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.splitlines()[-1]) <= SIZE_MIB[file_system] << 20


@pytest.mark.sandbox
def test_a_file_system_that_cannot_grow_is_an_error_with_its_reason(
    world: ShellWorld, disks: Disks, tmp_path: Path
) -> None:
    device = disks.add_volume(FIRST, 600)
    put_smaller_file_system(device, "ext4")
    world.fake("resize2fs", "echo no room for its descriptors >&2; exit 1")
    volume = data(tmp_path, snapshot_id="snap-0123456789abcdef0")
    refused = run_alone(world, disks.prepare(volume, FIRST))
    assert refused.returncode == 1
    assert "could not be grown to its disk: no room for its descriptors" in refused.stderr
    assert f"resize2fs {device}" in world.calls


@pytest.mark.sandbox
@pytest.mark.parametrize("formatted", [True, False])
def test_an_existing_volume_with_another_file_system_is_refused(
    world: ShellWorld, disks: Disks, tmp_path: Path, formatted: bool
) -> None:
    device = disks.add_volume(FIRST)
    if formatted:
        command("mkfs.ext4", "-q", device)
    before = content(device)
    volume = data(tmp_path, "xfs", volume_id=FIRST)
    refused = run_alone(world, disks.prepare(volume, FIRST))
    assert refused.returncode == 1
    assert "should hold xfs, but holds: " in refused.stderr
    assert content(device) == before


@pytest.mark.sandbox
def test_a_mount_point_in_use_is_refused(world: ShellWorld, disks: Disks, tmp_path: Path) -> None:
    disks.add_volume(FIRST)
    volume = data(tmp_path)
    taken = f"mkdir -p {volume.mount_point}; mount -t tmpfs none {volume.mount_point}"
    refused = run_alone(world, taken, disks.prepare(volume, FIRST))
    assert "something else is mounted" in refused.stderr
    (tmp_path / "data" / "file").touch()
    refused = run_alone(world, disks.prepare(volume, FIRST))
    assert "the mount would hide its content" in refused.stderr
    assert len(lines_of(tmp_path)) == 2


@pytest.mark.sandbox
def test_two_disks_with_one_uuid_are_refused(
    world: ShellWorld, disks: Disks, tmp_path: Path
) -> None:
    same = str(uuid.uuid4())
    for volume_id in (FIRST, SECOND):
        command("mkfs.ext4", "-q", "-U", same, disks.add_volume(volume_id))
    volume = data(tmp_path, volume_id=FIRST)
    refused = run_alone(world, disks.prepare(volume, FIRST))
    assert "has the same UUID as another" in refused.stderr


@pytest.mark.sandbox
def test_the_probe_names_what_is_missing_or_wrong(
    world: ShellWorld, disks: Disks, tmp_path: Path
) -> None:
    disks.add_volume(FIRST)
    disks.add_volume(SECOND)
    volume = data(tmp_path)
    absent = volume.model_copy(update={"mount_point": f"{tmp_path}/absent"})
    probe = volumes_are_mounted([(volume, SECOND), (absent, FIRST)], **disks.places)
    answer = run_alone(world, disks.prepare(volume, FIRST), probe)
    assert answer.returncode != 0
    assert f"{tmp_path}/absent is not mounted" in answer.stdout
    assert f"which is not {device_link(SECOND, disks.places['by_id'])}" in answer.stdout


def test_a_volume_that_never_appears_is_refused(world: ShellWorld, tmp_path: Path) -> None:
    disks = Disks(tmp_path)
    Path(device_link(FIRST, f"{tmp_path}/by-id") + "-part1").symlink_to("/dev/zero")
    refused = world.run(disks.prepare(data(tmp_path), FIRST))
    assert refused.returncode == 1
    assert f"Volume data ({FIRST}, no device): no disk appeared" in refused.stderr


def test_our_file_systems_are_labelled_with_their_volume() -> None:
    assert file_system_uuid(FIRST) == file_system_uuid(FIRST) != file_system_uuid(SECOND)
