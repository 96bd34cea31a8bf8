"""Work on a real host that is hardened, busy or full: it is done, or ends in words that say why."""

from collections.abc import Iterator

import pytest

from notebake.commands.apt import install_packages
from notebake.commands.lease_timer import arm_lease, lease_is_armed
from notebake.commands.package_lock import find_holder
from notebake.commands.shell import as_user, script
from notebake.commands.user_data import PACKAGE_UNITS, mask_package_jobs
from notebake.errors import DiskFullError, HostCommandError
from notebake.machines import fitness
from notebake.ssh import connection
from notebake.ssh import remote as ssh
from notebake.ssh.detached import run_detached
from notebake.ssh.host import Host
from tests.limits import HANG_SECONDS
from tests.sandbox.one_host import as_root_of, one_host_opened
from tests.sandbox.test_hosts import Cloud

pytestmark = pytest.mark.sandbox
HARDEN = """
for place in /run /tmp /dev/shm; do
    mountpoint --quiet $place || mount --types tmpfs tmpfs $place
    mount --options remount,noexec $place
done
mkdir --parents /etc/security/limits.d /etc/systemd/system.conf.d
printf '* hard nofile 64\\n* soft nofile 64\\nroot hard nofile 64\\nroot soft nofile 64\\n' \\
    > /etc/security/limits.d/low.conf
printf '[Manager]\\nDefaultLimitNOFILE=64:64\\n' > /etc/systemd/system.conf.d/low.conf
echo 'umask 077' > /etc/profile.d/umask.sh
systemctl daemon-reexec
"""
HOLD = """
import fcntl, time
file = open("/var/lib/dpkg/lock-frontend", "a")
fcntl.lockf(file, fcntl.LOCK_EX)
open("/run/held", "w")
time.sleep(6)
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with one_host_opened(tmp_path_factory.mktemp("hardened")) as cloud:
        cloud.ssh("i-1", HARDEN)
        yield cloud


@pytest.fixture(scope="module")
def host(cloud: Cloud) -> Iterator[Host]:
    host = as_root_of(cloud)
    yield host
    connection.disconnect(host)


def test_the_host_is_as_hard_as_it_should_be(cloud: Cloud) -> None:
    tried = "printf '#!/bin/sh\\n' > /run/tried; chmod 755 /run/tried; /run/tried || echo refused"
    assert "refused" in cloud.ssh("i-1", f"({tried}) 2> /dev/null")
    assert cloud.ssh("i-1", "ulimit -n") == "64"
    assert cloud.ssh("i-1", "systemd-run --quiet --pipe --wait bash -c 'ulimit -n'") == "64"


def test_work_is_done_and_its_end_told_where_nothing_may_be_executed(host: Host) -> None:
    printed = run_detached(host, "hard-1", "echo done; ulimit -n", timeout_seconds=HANG_SECONDS)
    assert printed == "done\n8192\n"
    with pytest.raises(HostCommandError) as caught:
        run_detached(host, "hard-2", "echo before; exit 37", timeout_seconds=HANG_SECONDS)
    assert caught.value.exit_code == 37


def test_a_users_work_has_the_same_limits_and_leaves_what_others_may_read(host: Host) -> None:
    done = ("ulimit -n", "touch made", "stat --format=%a made")
    work = script("umask 077", as_user("ubuntu", *done))
    printed = run_detached(host, "hard-3", work, timeout_seconds=HANG_SECONDS)
    assert printed == "8192\n644\n"


def test_the_dead_man_switch_is_armed_and_has_looked_at_its_lease(cloud: Cloud, host: Host) -> None:
    assert "does not run" in ssh.try_command(host, lease_is_armed()).errors
    cloud.ssh("i-1", arm_lease(6))
    ssh.run_command(host, lease_is_armed())
    cloud.ssh("i-1", "echo 'exit 3' > /run/notebake/check-lease")
    assert "notebake-lease.service fails: Result=exit-code" in (
        ssh.try_command(host, lease_is_armed()).errors
    )
    cloud.ssh("i-1", arm_lease(6))
    found = fitness.read_fitness(host)
    assert (found.sudo_error, found.switch_error, found.full_disk) == ("", "", None)


def test_what_would_upgrade_by_itself_does_not_for_this_boot_alone(
    cloud: Cloud, host: Host
) -> None:
    ssh.run_command(host, mask_package_jobs())
    states = cloud.ssh("i-1", f"systemctl is-enabled {PACKAGE_UNITS} || true").split()
    assert set(states) == {"masked-runtime"}
    written = cloud.ssh("i-1", f"cd /etc/systemd/system; ls {PACKAGE_UNITS} 2> /dev/null || true")
    assert written == "", "the base's own policy is as it was"


def test_packages_wait_for_the_lock_and_say_who_holds_it(cloud: Cloud, host: Host) -> None:
    (cloud.home.machines_path / "i-1/upper/var/lib/hold.py").write_text(HOLD)
    beside = "nohup python3 /var/lib/hold.py > /dev/null 2>&1 < /dev/null"
    cloud.ssh("i-1", f"({beside} &); until [ -e /run/held ]; do sleep 0.1; done")
    reported = ssh.run_command(host, find_holder())
    assert "(python3 /var/lib/hold.py)" in reported
    assert reported.strip().endswith("holds /var/lib/dpkg/lock-frontend")
    printed = run_detached(
        host, "hard-4", script(install_packages(["dbus"])), timeout_seconds=HANG_SECONDS
    )
    assert "Waiting for a lock of the package manager: process" in printed
    assert "0 of " in printed
    assert cloud.ssh("i-1", "ls /var/lib/dpkg/lock-frontend; dpkg --audit") == (
        "/var/lib/dpkg/lock-frontend"
    )


FILL = """
mkdir --parents /full
mountpoint --quiet /full || mount --types tmpfs --options size=32m notebake-full /full
cat /dev/zero > /full/zeros || true
echo filled
sleep 3600
"""


def test_work_that_goes_on_on_a_full_disk_is_ended_for_it(
    cloud: Cloud, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A memory file system stands in for a disk, so it is asked about by name."""
    monkeypatch.setattr("notebake.ssh.disk_watch.FULL_SECONDS", 2)
    ask = "df --block-size=1 --output=avail,size,iavail,itotal,target /full | tail --lines=+2"
    monkeypatch.setattr("notebake.commands.detached.LIST_DISK_SPACE", ask)
    with pytest.raises(DiskFullError, match="no space left on /full") as caught:
        run_detached(host, "hard-5", FILL, timeout_seconds=HANG_SECONDS)
    assert "filled" in caught.value.message
    assert cloud.ssh("i-1", "systemctl is-active notebake-hard-5 || true") == "inactive"
