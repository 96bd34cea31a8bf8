"""What runs on each host as on Ubuntu's machines on EC2, whatever their twist."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from notebake.commands.fitness import LIST_LOGIN_METHODS, parse_login_methods
from tests.sandbox.one_host import one_host_opened
from tests.sandbox.test_hosts import Cloud

pytestmark = pytest.mark.sandbox

DROP_IN = "/etc/systemd/system/ssh.service.d/ec2-instance-connect.conf"
# As Ubuntu's package of that name has it, but for the user.
SET_INSTANCE_CONNECT = f"""\
set -e
program=/usr/share/ec2-instance-connect/eic_run_authorized_keys
install -D --mode=0755 /bin/true $program
mkdir -p {Path(DROP_IN).parent}
cat > {DROP_IN} <<END
[Service]
ExecStart=
ExecStart=/usr/sbin/sshd -D -o "AuthorizedKeysCommand $program %%u %%f" \\
    -o "AuthorizedKeysCommandUser nobody" \\$SSHD_OPTS
END
systemctl daemon-reload
systemctl restart ssh.service
"""


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


def test_instance_connect_is_found_where_ubuntu_sets_it(host: Cloud) -> None:
    assert parse_login_methods(host.ssh("i-1", LIST_LOGIN_METHODS)) == ()
    host.ssh("i-1", SET_INSTANCE_CONNECT)
    shown = host.ssh("i-1", LIST_LOGIN_METHODS)
    host.ssh("i-1", f"rm {DROP_IN}; systemctl daemon-reload; systemctl restart ssh.service")
    found = parse_login_methods(shown)
    assert found == ("EC2 Instance Connect accepts the logins that IAM allows",)
    assert len(shown.splitlines()) == 2, "systemd and the daemon both show it"


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
