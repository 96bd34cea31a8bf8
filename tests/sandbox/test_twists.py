"""That each twist is really there: on the host, where a bake would meet it."""

import os
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.hosts import packet_loss, roots
from sandbox.hosts.machines import Rule
from sandbox.twists.table import BY_NAME, MIB, SCRIPTS, TWISTS
from tests.sandbox.own_home import home_opened
from tests.sandbox.test_hosts import ANYWHERE, Cloud, make_key, prepare_root

pytestmark = pytest.mark.sandbox

UBUNTU = 1000
COMMAND_SECONDS = 120
SSH = ("ssh", "-F", "none", "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder = tmp_path_factory.mktemp("twists")
    with home_opened(folder / "home") as home:
        make_key(folder / "key")
        yield Cloud(home, folder / "key")


class Twisted:
    """A host with a twist, without cloud-init, into which one key lets `ubuntu` and root."""

    def __init__(self, cloud: Cloud, twist: str, machine_id: str = "i-1") -> None:
        self.cloud, self.id = cloud, machine_id
        self.place = cloud.home.machines_path / machine_id
        cloud.machines.create_root(machine_id, twist)
        roots.mount_upper(self.place)
        prepare_root(self.place / "upper", cloud.key)
        let_in(self.place / "upper/home/ubuntu", cloud.key)
        roots.unmount_root(self.place)
        cloud.machines.set_rules(machine_id, [Rule("tcp", 22, 22, ANYWHERE)])
        cloud.boot(machine_id)

    def ssh(self, command: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Run a command as `ubuntu` through his own shell."""
        address = self.cloud.machines.reserve_address(self.id)
        words = (*SSH, "-q", "-i", str(self.cloud.key), *options, f"ubuntu@{address}", command)
        return subprocess.run(
            words, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
        )

    def output(self, command: str) -> str:
        done = self.ssh(command)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def twisted(cloud: Cloud, request: pytest.FixtureRequest) -> Iterator[Twisted]:
    try:
        yield Twisted(cloud, request.param)
    finally:
        cloud.machines.destroy("i-1")


def let_in(home: Path, key: Path) -> None:
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh/authorized_keys").write_text(key.with_suffix(".pub").read_text())
    for path in (home, home / ".ssh", home / ".ssh/authorized_keys"):
        os.chown(path, UBUNTU, UBUNTU)


def twist(name: str) -> pytest.MarkDecorator:
    assert name in BY_NAME
    return pytest.mark.parametrize("twisted", [name], indirect=True)


@twist("chatty-shell")
def test_a_chatty_shell_corrupts_command_output_and_sftp(twisted: Twisted) -> None:
    assert (
        twisted.output("echo digest").splitlines()[0].startswith("Welcome to the corporate image.")
    )
    assert "Call extension" in twisted.output("bash --login -c true")
    address = twisted.cloud.machines.reserve_address("i-1")
    words = ["sftp", *SSH[1:], "-i", str(twisted.cloud.key), "-b", "/dev/null", f"ubuntu@{address}"]
    refused = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert "Received message too long" in refused.stderr


@twist("max-sessions-1")
def test_a_connection_has_one_session(twisted: Twisted, tmp_path: Path) -> None:
    control = f"-oControlPath={tmp_path / 'line'}"
    long = (*SSH, "-q", "-i", str(twisted.cloud.key), control, "-oControlMaster=yes")
    address = twisted.cloud.machines.reserve_address("i-1")
    with subprocess.Popen([*long, f"ubuntu@{address}", "sleep 60"]) as first:
        deadline = time.monotonic() + COMMAND_SECONDS
        while not (tmp_path / "line").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        second = [*SSH, control, f"ubuntu@{address}", "true"]
        done = subprocess.run(second, capture_output=True, text=True, timeout=60, check=False)
        first.terminate()
    assert "Session open refused by peer" in done.stderr


@twist("no-forwarding")
def test_port_forwarding_is_refused(twisted: Twisted) -> None:
    done = twisted.ssh("true", "-W", "127.0.0.1:22")
    assert done.returncode != 0
    log = twisted.output("sudo cat /var/log/auth.log")
    assert "refused local port forward" in log


@twist("run-noexec")
def test_nothing_is_executed_from_run(twisted: Twisted) -> None:
    assert is_refused(twisted, "/run/program", "sudo")


@twist("tmp-noexec")
def test_nothing_is_executed_from_tmp(twisted: Twisted) -> None:
    assert is_refused(twisted, "/tmp/program")  # noqa: S108
    assert not is_refused(twisted, "/run/program", "sudo")


def is_refused(twisted: Twisted, path: str, become: str = "") -> bool:
    done = twisted.ssh(f"{become} install /bin/true {path} && {become} {path}")
    assert done.returncode in (0, 1, 126), done.stderr
    return "Permission denied" in done.stderr or "unable to execute" in done.stderr


@twist("umask-077")
def test_files_are_their_owners_alone(twisted: Twisted) -> None:
    for shell in ("sh -c", "bash -lc", "sudo sh -c"):
        assert twisted.output(f"{shell} umask") == "0077", shell


@twist("sudo-lecture")
def test_sudo_prints_its_lecture_each_time(twisted: Twisted) -> None:
    for _ in range(2):
        done = twisted.ssh("sudo echo done")
        assert "great responsibility" in done.stdout + done.stderr
        assert done.stdout.endswith("done\n")


@twist("nofile-low")
def test_few_files_may_be_open(twisted: Twisted) -> None:
    service = "sudo systemd-run --quiet --pipe --wait bash -c"
    for shell in ("bash -c", "sudo bash -c", service):
        assert twisted.output(f"{shell} 'ulimit -Hn'") == "256", shell


@twist("full-disk")
def test_the_root_disk_is_full_before_much_is_installed(twisted: Twisted) -> None:
    size = twisted.output("df --output=size --block-size=1M / | tail -1")
    assert int(size) <= BY_NAME["full-disk"].conditions.root_mib  # type: ignore[operator]
    done = twisted.ssh("head --bytes 300M /dev/zero > filler")
    assert "No space left on device" in done.stderr
    twisted.output("rm filler; echo kept > note; sync")
    twisted.cloud.shut_down("i-1")
    twisted.cloud.machines.bake_image("i-1", "ami-full")
    twisted.cloud.boot("i-1")
    assert twisted.output("cat note") == "kept"
    twisted.cloud.machines.delete_image("ami-full")


@twist("slow-disk")
def test_the_image_s_content_is_read_slowly_on_each_machine(twisted: Twisted) -> None:
    twisted.output("head --bytes 24M /dev/urandom > own; sync; sudo touch /etc/slow")
    assert seconds_to_read(twisted, "own") < slowest(24), "what it writes itself is quick"
    assert seconds_to_read(twisted, "/usr/bin/git /usr/bin/perl") >= slowest(6)
    twisted.cloud.shut_down("i-1")
    twisted.cloud.machines.bake_image("i-1", "ami-slow")
    twisted.cloud.boot("i-1")
    try:
        assert seconds_to_read(twisted, "own") >= slowest(24), "now it comes from a snapshot"
    finally:
        twisted.cloud.machines.delete_image("ami-slow")


def seconds_to_read(twisted: Twisted, files: str) -> float:
    began = "date +%s.%N"
    before, after = twisted.output(f"{began}; cat {files} > /dev/null; {began}").split()
    return float(after) - float(before)


def slowest(size_mib: float) -> float:
    """Return how long the limit makes so much last; what was read ahead while booting is less."""
    return size_mib * MIB / BY_NAME["slow-disk"].conditions.read_bytes_per_second * 0.75  # type: ignore[operator]


@twist("apt-busy")
def test_an_upgrade_holds_the_locks_after_the_first_boot_only(twisted: Twisted) -> None:
    remove = "sudo DEBIAN_FRONTEND=noninteractive apt-get --yes remove wget"
    done = twisted.ssh(remove)
    assert "/var/lib/dpkg/lock-frontend. It is held by process" in done.stderr
    assert "(unattended-upgr)" in done.stderr
    holder = twisted.output("pgrep --full --list-full '/usr/bin/unattended-upgrade$'")
    assert holder.split(maxsplit=1)[1] == "/usr/bin/python3 /usr/bin/unattended-upgrade"
    update = twisted.ssh("sudo apt-get -o Dir::Etc::SourceList=/dev/null update")
    assert "/var/lib/apt/lists/lock" in update.stderr
    twisted.cloud.shut_down("i-1")
    twisted.cloud.boot("i-1")
    assert twisted.ssh(remove).returncode == 0


@twist("no-egress")
def test_outgoing_packets_are_dropped_and_counted(twisted: Twisted) -> None:
    home, address = twisted.cloud.home, twisted.cloud.machines.reserve_address("i-1")
    assert packet_loss.dropped(home, address, packet_loss.EGRESS) == 0
    names = "getent hosts deb.debian.org || getent ahosts localhost"
    assert twisted.output(names)
    for target in ("192.0.2.1 443", f"{home.gateway} 9418"):
        name, port = target.split()
        done = twisted.ssh(f"timeout 2 bash -c {shlex.quote(f'</dev/tcp/{name}/{port}')}")
        assert done.returncode == 124, "neither refused nor answered"
    assert packet_loss.dropped(home, address, packet_loss.EGRESS) >= 2
    # Nothing answers there without the API: it is reached, and refuses.
    done = twisted.ssh("bash -c '</dev/tcp/169.254.169.254/80'")
    assert "Connection refused" in done.stderr


@twist("zsh-login")
def test_commands_are_run_by_zsh(twisted: Twisted) -> None:
    assert twisted.output("echo $ZSH_VERSION$BASH_VERSION").startswith("5.")


@twist("old-clock")
def test_the_clock_is_an_hour_behind_for_everybody(twisted: Twisted) -> None:
    service = "sudo systemd-run --quiet --pipe --wait date +%s"
    for command in (
        "date +%s",
        "sudo date +%s",
        "python3 -c 'import time; print(time.time())'",
        service,
    ):
        behind = time.time() - float(twisted.output(command))
        assert 3500 < behind < 3700, command
    began = time.monotonic()
    twisted.output("sudo systemd-run --quiet --wait --on-active=1 true; sleep 2")
    assert time.monotonic() - began >= 2, "what waits waits as long as it should"
    assert twisted.output("systemctl is-system-running --wait") == "running"


def test_each_twist_has_a_test_and_each_script_a_twist() -> None:
    source = Path(__file__).read_text()
    assert [twist.name for twist in TWISTS if f'@twist("{twist.name}")' not in source] == []
    assert {path.stem for path in SCRIPTS.iterdir()} <= {twist.name for twist in TWISTS}


def test_an_unknown_twist_has_no_image(cloud: Cloud) -> None:
    with pytest.raises(SandboxError, match="no image no-such-twist"):
        cloud.machines.create_root("i-2", "no-such-twist")
