"""Amazon EFS on a host, as text, in bash, and as systemd and util-linux read it: no EFS is here."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from notebake.commands.apt import install_packages
from notebake.commands.efs import (
    MOUNT_SECONDS,
    PACKAGES_URL,
    efs_client_is_installed,
    efs_lines_are_written,
    fstab_line,
    install_efs_client,
    write_efs_lines,
)
from notebake.commands.shell import script
from notebake.recipe import Efs, EfsClient
from tests.unit.shell_world import ShellWorld, shell_world

FILE_SYSTEM = "fs-0123456789abcdef0"
ACCESS_POINT = "fsap-0123456789abcdef0"
SHARED = Efs(file_system_id=FILE_SYSTEM, mount_point="/shared", access_point_id=ACCESS_POINT)
OTHERS = "UUID=1 / ext4 defaults 0 1\nUUID=2 /data ext4 defaults,nofail,x-notebake 0 2\n"
GENERATOR = Path("/usr/lib/systemd/system-generators/systemd-fstab-generator")
CLIENT = "a package"


@pytest.fixture
def world(tmp_path: Path) -> ShellWorld:
    """A machine with Ubuntu, an fstab, and nothing of EFS."""
    world = shell_world(tmp_path)
    world.environment |= {"retry_seconds": "0", "reach_seconds": "0"}
    (tmp_path / "fstab").write_text(OTHERS)
    (tmp_path / "os-release").write_text('ID=ubuntu\nVERSION_ID="24.04"\n')
    world.fake("chown", "exit 0")
    world.fake("systemctl", "exit 0")
    world.fake("findmnt", "exit 1")
    world.fake("apt-config", "exit 0")
    world.fake("python3", "exit 0")
    world.fake("apt-get", '[ "$1" != indextargets ] || exit 0')
    world.fake("dpkg", '[ "$1" != --print-architecture ] || echo amd64')
    world.fake(
        "dpkg-query",
        'case ${@: -1} in amazon-efs-utils) printf "ii %s" "$(cat version 2> /dev/null)" ;;'
        ' *) printf "ii " ;; esac',
    )
    world.fake("curl", f"while [ $1 != --output ]; do shift; done; printf %s '{CLIENT}' > $2")
    return world


def shared_in(world: ShellWorld, name: str = "shared") -> Efs:
    """The file system at a place where a test may make folders."""
    return SHARED.model_copy(update={"mount_point": str(world.directory / name)})


def write(world: ShellWorld, *efs: Efs) -> subprocess.CompletedProcess[str]:
    files = {"fstab": str(world.directory / "fstab"), "state": str(world.directory / "state")}
    return world.run(f"(\n{write_efs_lines(efs, **files)}\n)")


def is_written(world: ShellWorld, *efs: Efs) -> bool:
    text = efs_lines_are_written(efs, fstab=str(world.directory / "fstab"))
    return world.run(text).returncode == 0


def fstab(world: ShellWorld) -> str:
    return (world.directory / "fstab").read_text()


def install(world: ShellWorld, client: EfsClient) -> subprocess.CompletedProcess[str]:
    text = install_efs_client(client, os_release=str(world.directory / "os-release"))
    return world.run(script(install_packages(()), text))


def test_the_line_mounts_by_the_role_over_tls_and_holds_up_no_boot() -> None:
    assert fstab_line(SHARED) == (
        "fs-0123456789abcdef0:/ /shared efs _netdev,nofail,tls,iam,"
        "accesspoint=fsap-0123456789abcdef0,x-systemd.automount,x-systemd.mount-timeout=60s,"
        "x-efs-notebake 0 0"
    )
    assert "accesspoint" not in fstab_line(Efs(file_system_id=FILE_SYSTEM, mount_point="/shared"))


def test_fstab_gets_the_lines_and_keeps_all_others(world: ShellWorld) -> None:
    first, second = shared_in(world), shared_in(world, "more")
    assert not is_written(world, first)

    done = write(world, first, second)

    assert done.returncode == 0, done.stderr
    assert fstab(world) == f"{OTHERS}{fstab_line(first)}\n{fstab_line(second)}\n"
    assert is_written(world, first, second)
    assert not is_written(world, first)
    assert (world.directory / "shared").stat().st_mode & 0o777 == 0o755
    assert f"chown root:root {world.directory}/shared" in world.calls
    assert not any(call.startswith("mount ") for call in world.calls)


def test_writing_again_changes_nothing_and_fewer_file_systems_leave_no_line(
    world: ShellWorld,
) -> None:
    first, second = shared_in(world), shared_in(world, "more")
    write(world, first, second)
    before = fstab(world)

    write(world, first, second)
    assert fstab(world) == before
    write(world, second)
    assert fstab(world) == f"{OTHERS}{fstab_line(second)}\n"
    write(world)
    assert fstab(world) == OTHERS


def test_a_recipe_without_efs_touches_no_fstab(world: ShellWorld) -> None:
    before = (world.directory / "fstab").stat().st_mtime_ns

    assert write(world).returncode == 0

    assert (world.directory / "fstab").stat().st_mtime_ns == before
    assert not (world.directory / "state").exists()
    assert not any(call.startswith("systemctl") for call in world.calls)


def test_a_folder_with_content_or_another_mount_is_refused(world: ShellWorld) -> None:
    (world.directory / "shared").mkdir()
    (world.directory / "shared/mine").touch()
    done = write(world, shared_in(world))
    assert (done.returncode, fstab(world)) == (1, OTHERS)
    assert "is not empty, and the mount would hide its content" in done.stderr

    taken = f"{OTHERS}UUID=3 {world.directory}/more ext4 defaults 0 2\n"
    (world.directory / "fstab").write_text(taken)
    done = write(world, shared_in(world, "more"))
    assert (done.returncode, fstab(world)) == (1, taken)
    assert "already mounts something else" in done.stderr


def test_a_folder_that_systemd_has_already_is_not_looked_into(world: ShellWorld) -> None:
    (world.directory / "shared").mkdir()
    world.fake("findmnt", "exit 0")
    world.fake("ls", "touch looked; exit 1")

    assert write(world, shared_in(world)).returncode == 0

    assert not (world.directory / "looked").exists()


def test_the_mark_of_efs_is_not_that_of_disks() -> None:
    """Scripts that mount disks and look for unsaved work take lines with `x-notebake` as disks."""
    assert "x-notebake" not in fstab_line(SHARED)


def test_the_client_of_the_recipe_is_fetched_compared_and_installed(world: ShellWorld) -> None:
    wanted = EfsClient(version="3.2.0-1", sha256=hashlib.sha256(CLIENT.encode()).hexdigest())

    done = install(world, wanted)

    assert done.returncode == 0, done.stderr
    [fetching] = [call for call in world.calls if call.startswith("curl")]
    assert fetching.endswith(
        f" {PACKAGES_URL}/24.04/pool/main/a/amazon-efs-utils/amazon-efs-utils-3.2.0-1_amd64.deb"
    )
    assert "--proto =https" in fetching
    update, installing, _ = [call for call in world.calls if call.startswith("apt-get --quiet")]
    assert update.endswith(" update")
    assert installing.endswith("/client.deb")
    assert f"the sha256 of the client is {wanted.sha256}" in done.stdout


def test_a_client_with_another_checksum_is_not_installed(world: ShellWorld) -> None:
    done = install(world, EfsClient(sha256="0" * 64))

    assert done.returncode == 1
    assert f"not the recipe's {'0' * 64}" in done.stderr
    assert not any(call.startswith("apt-get --quiet") for call in world.calls)


def test_a_client_that_is_there_is_not_fetched(world: ShellWorld) -> None:
    (world.directory / "version").write_text("3.2.0-1")
    assert world.run(efs_client_is_installed(EfsClient())).returncode == 0
    assert world.run(efs_client_is_installed(EfsClient(version="3.3.0-1"))).returncode != 0

    assert install(world, EfsClient()).returncode == 0

    assert not any(call.startswith("curl") for call in world.calls)


def test_a_base_that_is_not_ubuntu_is_refused_in_words(world: ShellWorld) -> None:
    (world.directory / "os-release").write_text("ID=debian\nVERSION_ID=12\n")

    done = install(world, EfsClient())

    assert done.returncode == 1
    assert "EFS: AWS has its client for Ubuntu, and this is debian." in done.stderr


@pytest.mark.skipif(not shutil.which("findmnt"), reason="needs findmnt")
def test_findmnt_finds_no_error_in_the_line(tmp_path: Path) -> None:
    table, folder = tmp_path / "fstab", tmp_path / "shared"
    folder.mkdir()
    efs = SHARED.model_copy(update={"mount_point": str(folder)})
    table.write_text(f"{fstab_line(efs)}\n")

    verified = ["findmnt", "--verify", "--verbose", "--tab-file", str(table)]
    done = subprocess.run(verified, capture_output=True, text=True, check=False)

    assert "0 parse errors, 0 errors" in done.stderr, done.stdout
    # What is not for systemd and mount(8) is for the client, whose manual has these options.
    assert f"FS options: tls,iam,accesspoint={ACCESS_POINT}\n" in done.stdout


@pytest.mark.skipif(not GENERATOR.exists(), reason="needs systemd-fstab-generator")
def test_systemd_makes_an_automount_for_which_no_boot_waits(tmp_path: Path) -> None:
    table, units = tmp_path / "fstab", tmp_path / "units"
    table.write_text(f"{fstab_line(SHARED)}\n")
    units.mkdir()

    subprocess.run(
        [str(GENERATOR), str(units), str(units), str(units)],
        env={"SYSTEMD_FSTAB": str(table), "SYSTEMD_PROC_CMDLINE": "root=/dev/null"},
        check=True,
        capture_output=True,
    )

    made = {str(path.relative_to(units)) for path in units.rglob("shared*")}
    assert made == {
        "shared.mount",
        "shared.automount",
        "remote-fs.target.wants/shared.automount",
    }
    mount, automount = ((units / f"shared.{kind}").read_text() for kind in ("mount", "automount"))
    assert "Where=/shared" in automount
    assert MOUNT_SECONDS == 60
    assert "TimeoutSec=1min" in mount
    assert "Before=" not in mount, "nothing at boot may wait for the mount itself"
    assert "Type=efs" in mount
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(units / "shared.automount")],
        env={"SYSTEMD_UNIT_PATH": f"{units}:"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (verified.returncode, verified.stderr) == (0, "")
