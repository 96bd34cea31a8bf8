"""What the hosts of the sandbox promise: real machines, and nothing left of them afterwards."""

import os
import queue
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from sandbox.control import leftovers
from sandbox.home import Home
from sandbox.hosts import cgroups
from sandbox.hosts.machines import Exit, Machines, Rule
from tests.limits import HANG_SECONDS
from tests.sandbox.interrupts import uninterrupted
from tests.sandbox.own_home import home_opened

pytestmark = pytest.mark.sandbox

ANYWHERE = "0.0.0.0/0"
BY_ID = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_"
STORE = "/dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_"
PROJECT = Path(__file__).parent.parent.parent


class Cloud:
    """Machines without cloud-init, which one key opens."""

    def __init__(self, home: Home, key: Path) -> None:
        self.home, self.key = home, key
        self.machines = Machines(home)
        self.exits: queue.Queue[tuple[str, Exit]] = queue.Queue()

    def create(self, machine_id: str, image_id: str = "base") -> None:
        self.machines.create_root(machine_id, image_id)
        prepare_root(self.home.machines_path / machine_id / "upper", self.key)
        self.machines.set_rules(machine_id, [Rule("tcp", 22, 22, ANYWHERE)])

    def boot(self, machine_id: str) -> None:
        self.machines.boot(
            machine_id, lambda instance_id, reason: self.exits.put((instance_id, reason))
        )
        wait_for_ssh(self.machines.reserve_address(machine_id))

    def shut_down(self, machine_id: str) -> None:
        self.machines.shut_down(machine_id)
        assert self.exits.get(timeout=HANG_SECONDS) == (machine_id, Exit.POWERED_OFF)

    def ssh(self, machine_id: str, command: str) -> str:
        address = self.machines.reserve_address(machine_id)
        return ssh(address, self.key, f"set -eu; {command}")


def prepare_root(upper: Path, key: Path) -> None:
    """Do what cloud-init would do, and keep it from running."""
    for folder in ("etc/cloud", "etc/ssh", "root/.ssh"):
        (upper / folder).mkdir(parents=True, exist_ok=True)
    (upper / "root").chmod(0o700)
    (upper / "etc/cloud/cloud-init.disabled").touch()
    (upper / "root/.ssh/authorized_keys").write_text(key.with_suffix(".pub").read_text())
    host_key = upper / "etc/ssh/ssh_host_ed25519_key"
    if not host_key.exists():
        make_key(host_key)


def make_key(path: Path) -> None:
    command: list[str | Path] = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def wait_for_ssh(address: str) -> None:
    deadline = time.monotonic() + HANG_SECONDS
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((address, 22), timeout=2) as connection:
                if connection.recv(4) == b"SSH-":
                    return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"no ssh at {address}")


def ssh(address: str, key: Path, command: str, user: str = "root") -> str:
    options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR")
    words = [
        "ssh",
        "-F",
        "none",
        "-i",
        str(key),
        *(f"-o{option}" for option in options),
        f"{user}@{address}",
    ]
    done = subprocess.run(
        [*words, command], capture_output=True, text=True, timeout=HANG_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def is_open(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=0.5).close()
    except OSError:
        return False
    return True


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with home_opened(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def cloud(home: Home, tmp_path: Path) -> Iterator[Cloud]:
    make_key(tmp_path / "key")
    made = Cloud(home, tmp_path / "key")
    yield made
    with uninterrupted():
        for machine_id in made.machines.running():
            made.machines.destroy(machine_id)


def test_a_machine_is_a_real_host_that_reaches_the_outside(cloud: Cloud) -> None:
    cloud.create("i-1")
    cloud.boot("i-1")
    assert cloud.ssh("i-1", "systemctl is-system-running --wait") == "running"
    assert cloud.ssh("i-1", "sudo -u ubuntu sudo id --user") == "0"
    assert "Reading package lists" in cloud.ssh("i-1", "apt-get update")
    assert cloud.ssh("i-1", "systemctl is-enabled apt-daily.timer || true") == "disabled"
    assert "Powering off" not in cloud.machines.console("i-1")
    cloud.shut_down("i-1")
    assert "Powering off" in cloud.machines.console("i-1")


def test_volumes_are_found_by_id_and_their_file_systems_come_back(cloud: Cloud) -> None:
    cloud.create("i-1")
    for name in ("vol-0aa", "vol-0bb", "vol-0cc"):
        cloud.machines.create_volume(name, 1)
    cloud.machines.attach_volume("i-1", "vol-0aa", "/dev/sdf")
    cloud.boot("i-1")
    cloud.machines.attach_volume("i-1", "vol-0bb", "/dev/sdg")
    cloud.machines.attach_volume("i-1", "vol-0cc", "/dev/sdh")
    shown = cloud.ssh("i-1", "lsblk --noheadings --raw --output SERIAL,MODEL")
    assert shown.count("vol0") == shown.count("Amazon\\x20Elastic\\x20Block\\x20Store") == 3
    for name, kind in (("vol0aa", "ext4"), ("vol0bb", "xfs")):
        cloud.ssh(
            "i-1",
            f"mkfs.{kind} -q {BY_ID}{name}; mkdir /{name};"
            f"uuid=$(blkid -s UUID -o value {BY_ID}{name});"
            f"echo UUID=$uuid /{name} {kind} defaults,nofail 0 2 >>/etc/fstab;"
            f"mount /{name}; echo {name} >/{name}/name",
        )
    for _ in range(2):
        cloud.shut_down("i-1")
        cloud.boot("i-1")
        assert cloud.ssh("i-1", "cat /vol0aa/name /vol0bb/name") == "vol0aa\nvol0bb"
        for name, kind in (("vol0aa", "ext4"), ("vol0bb", "xfs")):
            assert cloud.ssh("i-1", f"lsblk --noheadings --output FSTYPE {BY_ID}{name}") == kind
    cloud.ssh("i-1", "umount /vol0bb")
    cloud.machines.detach_volume("i-1", "vol-0bb")
    assert "vol0bb" not in cloud.ssh("i-1", "ls /dev/disk/by-id")


def test_no_disk_keeps_its_position(cloud: Cloud) -> None:
    cloud.create("i-1")
    for name in ("vol-0aa", "vol-0bb", "vol-0cc"):
        cloud.machines.create_volume(name, 1)
        cloud.machines.attach_volume("i-1", name, "/dev/sdf")
    orders = set()
    for _ in range(20):
        cloud.boot("i-1")
        orders.add(cloud.ssh("i-1", f"readlink --canonicalize {BY_ID}*"))
        cloud.shut_down("i-1")
        if len(orders) > 1:
            break
    assert len(orders) > 1


@pytest.mark.parametrize("when", ["before the boot", "after it"])
def test_a_new_file_system_shows_by_uuid_without_asking(cloud: Cloud, when: str) -> None:
    cloud.create("i-1")
    cloud.machines.create_volume("vol-0aa", 1)
    if when == "before the boot":
        cloud.machines.attach_volume("i-1", "vol-0aa", "/dev/sdf")
    cloud.boot("i-1")
    if when == "after it":
        cloud.machines.attach_volume("i-1", "vol-0aa", "/dev/sdf")
    cloud.ssh("i-1", f"mkfs.ext4 -q {BY_ID}vol0aa")
    found = cloud.ssh(
        "i-1",
        f"uuid=$(blkid -s UUID -o value {BY_ID}vol0aa);"
        "for turn in $(seq 50); do"
        "  if [ -e /dev/disk/by-uuid/$uuid ]; then echo yes; break; fi; sleep 0.1; done",
    )
    assert found == "yes"


def test_a_snapshot_holds_the_volume_as_it_was(cloud: Cloud) -> None:
    cloud.machines.create_volume("vol-0aa", 1)
    file = cloud.home.path / "volumes/vol-0aa.img"
    with file.open("r+b") as stream:
        stream.write(b"before")
    cloud.machines.create_snapshot("vol-0aa", "snap-1")
    with file.open("r+b") as stream:
        stream.write(b"behind")
    cloud.machines.create_volume("vol-0bb", 2, "snap-1")
    copy = cloud.home.path / "volumes/vol-0bb.img"
    with copy.open("rb") as stream:
        assert stream.read(6) == b"before"
    assert copy.stat().st_size == 2 * 1024**3
    assert copy.stat().st_blocks * 512 < 1024**2, "the holes must stay holes"


def test_fstab_that_cannot_be_mounted_ends_in_no_ssh_unless_nofail(cloud: Cloud) -> None:
    missing = "UUID=00000000-0000-4000-8000-000000000000 /mnt ext4"
    cloud.create("i-1")
    cloud.boot("i-1")
    cloud.ssh("i-1", f"echo {missing} defaults,nofail 0 2 >/etc/fstab")
    cloud.shut_down("i-1")
    cloud.boot("i-1")
    cloud.ssh("i-1", f"echo {missing} defaults 0 2 >/etc/fstab")
    cloud.shut_down("i-1")
    cloud.machines.boot("i-1", lambda *_: None)
    deadline = time.monotonic() + HANG_SECONDS
    while "emergency" not in cloud.machines.console("i-1").lower():
        assert time.monotonic() < deadline, cloud.machines.console("i-1")
        time.sleep(0.1)
    assert not is_open(cloud.machines.reserve_address("i-1"), 22)


def test_instance_store_outlives_a_reboot_but_not_a_stop(cloud: Cloud) -> None:
    cloud.create("i-1")
    cloud.machines.add_instance_store("i-1", [1, 1])
    cloud.boot("i-1")
    disks = cloud.ssh("i-1", f"ls {STORE}*").split()
    assert len(disks) == 2
    cloud.ssh("i-1", f"printf kept | dd of={disks[0]} conv=notrunc,fsync status=none")
    cloud.machines.reboot("i-1")
    assert cloud.exits.get(timeout=HANG_SECONDS) == ("i-1", Exit.REBOOTED)
    cloud.boot("i-1")
    read = f"head --bytes 4 {disks[0]} | tr -d '\\0'"
    assert cloud.ssh("i-1", read) == "kept"
    cloud.shut_down("i-1")
    cloud.boot("i-1")
    assert cloud.ssh("i-1", read) == ""


def test_an_image_boots_and_its_machine_goes_on(cloud: Cloud) -> None:
    cloud.create("i-1")
    cloud.boot("i-1")
    cloud.ssh("i-1", "echo baked >/etc/baked; rm /etc/motd")
    cloud.shut_down("i-1")
    cloud.machines.bake_image("i-1", "ami-1")
    assert cloud.machines.images() == ["ami-1", "base"]
    cloud.boot("i-1")
    cloud.ssh("i-1", "echo later >/etc/later")
    cloud.create("i-2", "ami-1")
    cloud.boot("i-2")
    assert cloud.ssh("i-2", "cat /etc/baked; ls /etc/later /etc/motd || true") == "baked"
    assert cloud.ssh("i-1", "cat /etc/baked /etc/later") == "baked\nlater"
    cloud.machines.delete_image("ami-1")
    assert cloud.ssh("i-2", "cat /etc/baked") == "baked", "a layer in use must stay"
    cloud.machines.destroy("i-1")
    cloud.machines.destroy("i-2")
    cloud.machines.destroy("i-2")
    assert list((cloud.home.path / "layers").iterdir()) == []
    left = [line for line in leftovers.find(cloud.home) if "i-1" in line or "i-2" in line]
    assert left == []


def test_an_image_of_a_frozen_machine_holds_all_that_it_had_and_lacked(cloud: Cloud) -> None:
    cloud.create("i-1")
    cloud.boot("i-1")
    cloud.ssh("i-1", "rm /etc/motd; rm -r /etc/cron.d; mkdir /etc/cron.d; touch /etc/cron.d/own")
    cloud.ssh("i-1", "systemd-run --quiet sh -c 'while date >>/ticks; do sleep 0.01; done'")
    boot_id = cloud.ssh("i-1", "systemctl show --property UserspaceTimestampMonotonic")
    ticks = cloud.home.machines_path / "i-1/upper/ticks"
    with cloud.machines.frozen("i-1"):
        cloud.machines.bake_image("i-1", "ami-1")
        frozen = ticks.read_text()
        time.sleep(0.1)
        assert ticks.read_text() == frozen
    cloud.create("i-2", "ami-1")
    cloud.boot("i-2")
    assert cloud.ssh("i-2", "ls /etc/cron.d; ls /etc/motd 2>&1 || true").splitlines() == [
        "own",
        "ls: cannot access '/etc/motd': No such file or directory",
    ]
    assert cloud.ssh("i-2", "cat /ticks") == frozen.strip()
    assert len(cloud.ssh("i-1", "cat /ticks")) > len(frozen), "the machine did not go on"
    assert cloud.ssh("i-1", "systemctl show --property UserspaceTimestampMonotonic") == boot_id


def test_only_what_the_rules_allow_gets_in(cloud: Cloud) -> None:
    for machine_id in ("i-1", "i-2"):
        cloud.create(machine_id)
        cloud.boot(machine_id)
    address = cloud.machines.reserve_address("i-1")
    serve = "systemd-run --quiet python3 -m http.server --directory /srv 8887"
    cloud.ssh("i-1", f"{serve}; sleep 0.5; curl --silent --fail http://127.0.0.1:8887/")
    assert not is_open(address, 8887)
    cloud.machines.set_rules("i-1", [Rule("-1", None, None, f"{cloud.home.gateway}/32")])
    assert is_open(address, 8887)
    probe = f"timeout 1 bash -c 'exec 3<>/dev/tcp/{address}/8887' && echo in || echo out"
    assert cloud.ssh("i-2", probe) == "out", "a neighbour comes from another address"
    cloud.machines.set_rules("i-1", [Rule("tcp", 8000, 9000, cloud.home.subnet)])
    assert cloud.ssh("i-2", probe) == "in"
    assert not is_open(address, 22)


def test_the_reason_why_a_machine_ended_is_reported(cloud: Cloud) -> None:
    cloud.create("i-1")
    cloud.boot("i-1")
    cloud.ssh("i-1", "systemctl --no-block reboot")
    assert cloud.exits.get(timeout=HANG_SECONDS) == ("i-1", Exit.REBOOTED)
    cloud.boot("i-1")
    cloud.ssh("i-1", "systemctl --no-block poweroff")
    assert cloud.exits.get(timeout=HANG_SECONDS) == ("i-1", Exit.POWERED_OFF)
    cloud.boot("i-1")
    for process_id in cgroups.process_ids(cgroups.groups_of(cloud.home, "i-1")):
        with suppress(ProcessLookupError):
            os.kill(process_id, signal.SIGKILL)
    assert cloud.exits.get(timeout=HANG_SECONDS) == ("i-1", Exit.KILLED)
    assert cloud.machines.running() == []


OWNER = """
    import sys, time
    from sandbox.home import open_home
    from sandbox.hosts.machines import Machines
    from sandbox.hosts import network
    from sandbox.services import git_server
    home = open_home(sys.argv[1])
    network.up(home)
    git_server.start(home)
    machines = Machines(home)
    machines.create_root("i-1", "base")
    machines.create_volume("vol-0aa", 1)
    machines.attach_volume("i-1", "vol-0aa", "/dev/sdf")
    machines.boot("i-1", lambda *_: None)
    print("booted", flush=True)
    time.sleep(600)
"""


def test_down_removes_leftovers_of_a_killed_sandbox(home: Home) -> None:
    words = [sys.executable, "-c", textwrap.dedent(OWNER), str(home.path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as owner:
        assert owner.stdout
        assert owner.stdout.readline() == "booted\n"
        owner.kill()
    left = leftovers.find(home)
    for kind in ("process", "control group", "namespace", "link", "table", "mount", "loop"):
        assert any(kind in line for line in left), f"no {kind} was left: nothing to prove"
    command = [sys.executable, "-m", "sandbox", "--home", str(home.path), "down"]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=PROJECT, timeout=HANG_SECONDS, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert leftovers.find(home) == []
