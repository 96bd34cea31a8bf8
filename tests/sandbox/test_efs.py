"""Amazon EFS in the fstab of a real host that has neither the client nor a role nor an EFS."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from notebake.commands.disk_space import LIST_DISK_SPACE
from notebake.commands.efs import efs_lines_are_written, write_efs_lines
from notebake.commands.unsaved_work import END, list_unsaved_work
from notebake.recipe import Efs
from notebake.ssh import remote as ssh
from tests.sandbox.one_host import as_root_of, one_host_opened
from tests.sandbox.test_hosts import Cloud

pytestmark = pytest.mark.sandbox
EFS = (
    Efs(file_system_id="fs-0123456789abcdef0", mount_point="/shared"),
    Efs(
        file_system_id="fs-0123456789abcdef1",
        mount_point="/home/ubuntu/class",
        access_point_id="fsap-0123456789abcdef0",
    ),
)
UNITS = ("shared", "home-ubuntu-class")
NEVER_TRIED = "0"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Boot a host, put EFS into its fstab as a bake does, and boot it again."""
    with one_host_opened(tmp_path_factory.mktemp("efs")) as cloud:
        assert cloud.ssh("i-1", "systemctl is-system-running --wait") == "running"
        ssh.run_command(as_root_of(cloud), f"bash -c '({quoted(write_efs_lines(EFS))})'")
        cloud.shut_down("i-1")
        cloud.boot("i-1")
        yield cloud


def quoted(text: str) -> str:
    return text.replace("'", "'\\''")


def tried_at(cloud: Cloud, unit: str) -> str:
    """Return when systemd last tried to mount it; "0": never in this boot."""
    asking = f"systemctl show {unit}.mount --property=InactiveExitTimestampMonotonic --value"
    return cloud.ssh("i-1", asking)


def test_the_boot_ends_as_before_and_has_not_tried_to_mount(cloud: Cloud) -> None:
    assert cloud.ssh("i-1", "systemctl is-system-running --wait") == "running"
    assert cloud.ssh("i-1", "systemctl --failed --plain --no-legend") == ""
    assert cloud.ssh("i-1", efs_lines_are_written(EFS)) == ""
    for unit in UNITS:
        assert cloud.ssh("i-1", f"systemctl is-active {unit}.automount") == "active"
        assert tried_at(cloud, unit) == NEVER_TRIED


def test_what_looks_at_disks_and_files_does_not_mount_it(cloud: Cloud) -> None:
    cloud.ssh("i-1", "ls -l / /home/ubuntu; find / -xdev -name nothing; df")
    assert "/shared" not in cloud.ssh("i-1", LIST_DISK_SPACE)
    looking = list_unsaved_work(seconds=60, folders=["/", "/home/ubuntu"])
    assert cloud.ssh("i-1", looking).endswith(END)

    assert [tried_at(cloud, unit) for unit in UNITS] == [NEVER_TRIED, NEVER_TRIED]


def test_writing_the_lines_again_mounts_nothing(cloud: Cloud) -> None:
    """As in a rebake from the image before, where systemd has the folders already."""
    ssh.run_command(as_root_of(cloud), f"bash -c '({quoted(write_efs_lines(EFS))})'")

    assert cloud.ssh("i-1", efs_lines_are_written(EFS)) == ""
    assert [tried_at(cloud, unit) for unit in UNITS] == [NEVER_TRIED, NEVER_TRIED]


def test_opening_the_folder_without_the_client_is_an_error_and_writes_nowhere(
    cloud: Cloud,
) -> None:
    asked = cloud.ssh("i-1", "sudo -u ubuntu touch /shared/lost 2>&1 && echo written || true")

    assert "written" not in asked
    assert tried_at(cloud, "shared") != NEVER_TRIED
    mount = "systemctl show shared.mount --property=Result --value"
    assert cloud.ssh("i-1", mount) in ("exit-code", "resources")
    assert cloud.ssh("i-1", "ls / | grep --line-regexp shared") == "shared"
