"""Amazon EFS in the fstab of a real host that has neither the client nor a role nor an EFS."""

from collections.abc import Iterator
from pathlib import Path
from shlex import quote

import pytest

from notebake.commands.disk_space import LIST_DISK_SPACE
from notebake.commands.efs import efs_lines_are_written, write_efs_lines
from notebake.commands.unsaved_work import END, list_unsaved_work
from notebake.recipe import Efs
from tests.sandbox.one_host import one_host_opened
from tests.sandbox.test_hosts import Cloud

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(
        "autofs" not in Path("/proc/misc").read_text(), reason="this kernel has no autofs"
    ),
]
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
# A container has no /dev/autofs, and systemd leaves automounts out where there is none.
GIVE_AUTOFS = """mknod /dev/autofs c 10 235
systemctl daemon-reexec
systemctl start remote-fs.target shared.automount home-ubuntu-class.automount"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Boot a host, put EFS into its fstab as a bake does, and boot it again."""
    with one_host_opened(tmp_path_factory.mktemp("efs")) as cloud:
        assert cloud.ssh("i-1", "systemctl is-system-running --wait") == "running"
        write_lines(cloud)
        cloud.shut_down("i-1")
        cloud.boot("i-1")
        yield cloud


def write_lines(cloud: Cloud) -> None:
    cloud.ssh("i-1", f"bash -c {quote(write_efs_lines(EFS))}")


def tried_at(cloud: Cloud, unit: str) -> str:
    """Return when systemd last tried to mount it; "0": never in this boot."""
    asking = f"systemctl show {unit}.mount --property=InactiveExitTimestampMonotonic --value"
    return cloud.ssh("i-1", asking)


def test_the_boot_ends_as_before_and_nothing_looks_into_efs(cloud: Cloud) -> None:
    assert cloud.ssh("i-1", "systemctl is-system-running --wait") == "running"
    assert cloud.ssh("i-1", "systemctl --failed --plain --no-legend") == ""
    assert cloud.ssh("i-1", efs_lines_are_written(EFS)) == ""

    cloud.ssh("i-1", GIVE_AUTOFS)
    for unit in UNITS:
        assert cloud.ssh("i-1", f"systemctl is-active {unit}.automount") == "active"
    cloud.ssh("i-1", "ls -l / /home/ubuntu; find / -xdev -name nothing; df")
    assert "/shared" not in cloud.ssh("i-1", LIST_DISK_SPACE)
    looking = list_unsaved_work(seconds=60, folders=["/shared", "/home/ubuntu"])
    assert cloud.ssh("i-1", looking).endswith(END)
    # A rebake from the image before writes the lines where systemd has the folders already.
    write_lines(cloud)
    assert cloud.ssh("i-1", efs_lines_are_written(EFS)) == ""

    assert [tried_at(cloud, unit) for unit in UNITS] == [NEVER_TRIED, NEVER_TRIED]


def test_who_opens_the_folder_without_the_client_gets_an_error_and_loses_nothing(
    cloud: Cloud,
) -> None:
    asked = cloud.ssh("i-1", "sudo -u ubuntu touch /shared/lost 2>&1 && echo written || true")

    assert "written" not in asked
    assert tried_at(cloud, "shared") != NEVER_TRIED
    assert cloud.ssh("i-1", "systemctl show shared.mount --property=Result --value") == "exit-code"
