"""What runs on each host as on Ubuntu's machines on EC2, whatever their twist."""

from collections.abc import Iterator

import pytest

from tests.sandbox.one_host import one_host_opened
from tests.sandbox.test_hosts import Cloud

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with one_host_opened(tmp_path_factory.mktemp("like-ubuntu")) as cloud:
        yield cloud


def test_the_waiting_half_of_the_upgrades_runs_and_holds_nothing(host: Cloud) -> None:
    host.ssh("i-1", "systemctl is-system-running --wait")
    found = host.ssh("i-1", "pgrep --exact unattended-upgr | xargs ps --no-headers -o args -p")
    program = "/usr/share/unattended-upgrades/unattended-upgrade-shutdown"
    assert found == f"/usr/bin/python3 {program} --wait-for-signal"
    host.ssh("i-1", "apt-get --option DPkg::Lock::Timeout=0 --quiet=2 check")


def test_sshd_gets_its_socket_from_systemd(host: Cloud) -> None:
    states = host.ssh("i-1", "systemctl is-active ssh.socket ssh.service").split()
    assert states == ["active", "active"]
    assert host.ssh("i-1", "systemctl is-enabled ssh.service || true") == "disabled"
    assert host.ssh("i-1", "systemctl show --value --property=TriggeredBy ssh") == "ssh.socket"


def test_a_login_has_a_path_from_the_environment_file_and_services_do_not(host: Cloud) -> None:
    first = host.ssh("i-1", "head --lines=1 /etc/environment")
    assert first.startswith('PATH="/usr/local/sbin:')
    services = host.ssh("i-1", "systemctl show-environment | grep ^PATH=")
    assert "/snap/bin" not in services


def test_rsyslog_goes_on_writing_to_files_that_were_emptied(host: Cloud) -> None:
    host.ssh("i-1", f"logger --tag before it happened; {logged('before')}")
    host.ssh("i-1", "systemctl stop systemd-journald.socket systemd-journald.service 2>&1 || true")
    host.ssh("i-1", "truncate --size=0 /var/log/syslog /var/log/auth.log")
    host.ssh("i-1", "logger --tag after it happened")
    assert "Accepted publickey for root" in host.ssh("i-1", "cat /var/log/auth.log")
    assert "it happened" in host.ssh("i-1", logged("after"))


def logged(tag: str) -> str:
    """Return commands that print a tag's line once rsyslog has written it, some time later."""
    find = f"grep {tag} /var/log/syslog"
    return f"for turn in $(seq 600); do {find} && break; sleep 0.1; done; {find} > /dev/null"


def test_needrestart_follows_apt(host: Cloud) -> None:
    assert "NEEDRESTART-VER" in host.ssh("i-1", "needrestart -b -r l")
    assert "needrestart" in host.ssh("i-1", "apt-config dump DPkg::Post-Invoke")
