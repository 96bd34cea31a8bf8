from collections.abc import Iterator
from pathlib import Path

import pytest

from notebake.commands import instance_store
from notebake.commands.instance_store import LABEL, install_instance_store, mount_instance_store
from notebake.recipe import FileSystem, InstanceStore
from tests.unit.loop_disks import LoopDisks, command, content, run_alone
from tests.unit.shell_world import ShellWorld, shell_world

LINK = "nvme-Amazon_EC2_NVMe_Instance_Storage_AWS0{}"
EBS = "nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0"


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[LoopDisks]:
    disks = LoopDisks(tmp_path)
    try:
        yield disks
    finally:
        disks.remove_all()


@pytest.fixture
def world(tmp_path: Path) -> ShellWorld:
    return shell_world(tmp_path)


def program(disks: LoopDisks, file_system: FileSystem = FileSystem.EXT4) -> str:
    store = InstanceStore(file_system=file_system)
    here = store.model_copy(update={"mount_point": f"{disks.directory}/scratch"})
    intents = f"{disks.directory}/intents"
    return mount_instance_store(here, "nobody", by_id=disks.by_id, intents=intents)


@pytest.mark.sandbox
@pytest.mark.parametrize(("kind", "size_mib"), [(FileSystem.EXT4, 32), (FileSystem.XFS, 320)])
def test_blank_disks_are_formatted_once_and_mounted_at_each_boot(
    world: ShellWorld, disks: LoopDisks, tmp_path: Path, kind: FileSystem, size_mib: int
) -> None:
    for serial in ("1", "2"):
        device = disks.add(LINK.format(serial), size_mib)
        disks.link(LINK.format(serial) + "_ns_1", device)
    touched = f"touch {tmp_path}/scratch/kept; stat --format=%U {tmp_path}/scratch-2"
    first = run_alone(world, program(disks, kind), touched, program(disks, kind))
    assert first.returncode == 0, first.stderr
    assert "nobody" in first.stdout.splitlines()
    assert first.stdout.count("formatting") == 2
    assert first.stdout.count("2 of 2 temporary disks are mounted") == 2
    second = run_alone(world, program(disks, kind), f"ls {tmp_path}/scratch {tmp_path}/scratch-2")
    assert second.returncode == 0, second.stderr
    assert "formatting" not in second.stdout
    assert "kept" in second.stdout


@pytest.mark.sandbox
def test_nothing_but_temporary_disks_is_touched(world: ShellWorld, disks: LoopDisks) -> None:
    ebs = disks.add(EBS)
    part = disks.add("nvme-root-disk")
    done = run_alone(world, program(disks))
    assert (done.returncode, done.stdout) == (0, "0 of 0 temporary disks are mounted\n")
    assert content(ebs) == content(part) == b""


@pytest.mark.sandbox
@pytest.mark.parametrize("made_by", ["mkfs.ext4 -q {}", "printf data | dd of={} bs=1 seek=60000"])
def test_a_disk_with_content_is_not_formatted(
    world: ShellWorld, disks: LoopDisks, tmp_path: Path, made_by: str
) -> None:
    theirs = disks.add(LINK.format("1"))
    disks.add(LINK.format("2"))
    assert world.run(made_by.format(theirs) + " conv=notrunc" * ("dd" in made_by)).returncode == 0
    before = content(theirs)
    done = run_alone(world, program(disks), f"mountpoint {tmp_path}/scratch")
    assert done.returncode == 0, done.stderr
    assert f"{theirs}: left as it is, for it is not blank and not ours" in done.stdout
    assert "1 of 2 temporary disks are mounted" in done.stdout
    assert content(theirs) == before


@pytest.mark.sandbox
def test_an_interrupted_format_is_repeated(world: ShellWorld, disks: LoopDisks) -> None:
    device = disks.add(LINK.format("1"))
    half = f"dd if=/dev/urandom of={device} bs=4096 count=4 conv=notrunc status=none"
    fake = world.fake("mkfs.ext4", f"{half}; kill -KILL $PPID")
    assert run_alone(world, program(disks)).returncode != 0
    assert any(call.startswith("mkfs.ext4") for call in world.calls), "the fault did not fire"
    fake.unlink()
    assert "1 of 1" in run_alone(world, program(disks)).stdout
    assert command("blkid", "-p", "-s", "LABEL", "-o", "value", device).strip() == LABEL


@pytest.mark.sandbox
def test_a_format_that_fails_is_an_error(world: ShellWorld, disks: LoopDisks) -> None:
    disks.add(LINK.format("1"))
    world.fake("mkfs.ext4", "exit 1")
    assert run_alone(world, program(disks)).returncode == 1
    assert any(call.startswith("mkfs.ext4") for call in world.calls), "the fault did not fire"


def test_the_unit_runs_now_and_at_every_boot(world: ShellWorld, tmp_path: Path) -> None:
    world.fake("systemctl", "")
    text = install_instance_store(InstanceStore(), "ubuntu").replace("/etc/", f"{tmp_path}/etc/")
    assert world.run(text).returncode == 0
    assert [call for call in world.calls if call.startswith("systemctl")] == [
        "systemctl daemon-reload",
        f"systemctl --quiet enable {instance_store.UNIT}",
        f"systemctl restart {instance_store.UNIT}",
    ]
    unit = (tmp_path / "etc/systemd/system" / instance_store.UNIT).read_text()
    assert f"ExecStart={tmp_path}/etc/notebake/mount-instance-store" in unit
    assert (tmp_path / "etc/notebake/mount-instance-store").stat().st_mode & 0o111


def test_a_machine_without_such_disks_is_fine(world: ShellWorld, tmp_path: Path) -> None:
    store = InstanceStore()
    text = mount_instance_store(store, "ubuntu", by_id=str(tmp_path), intents=str(tmp_path))
    done = world.run(text)
    assert (done.returncode, done.stdout) == (0, "0 of 0 temporary disks are mounted\n")
