"""A real sshd on loopback, in namespaces of its own: nothing of this machine is touched.

It runs in the sandbox's base system where that has been made, otherwise in this machine's own,
with a home, /run, /tmp and /etc/passwd of its own. NOTEBAKE_SSHD_SYSTEM names another directory
with a system in it, for instance with more login shells.
"""

import os
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from notebake.ssh.host import Host

SSHD = "usr/sbin/sshd"
OPTIONS = (
    "ListenAddress=127.0.0.1",
    "HostKey=/mnt/host",
    "HostKey=/mnt/other-host",
    "AuthorizedKeysFile=/mnt/key.pub",
    "PidFile=none",
    "PermitRootLogin=yes",
    "StrictModes=no",
)
IN_NAMESPACES = """
    set -eu
    system=$1 home=$2 files=$3
    shift 3
    mount --bind $home $system/mnt
    for file in $(cd $files; find . -type f); do mount --bind $files/$file $system/etc/$file; done
    mount -t tmpfs tmpfs $system/run
    mkdir $system/run/sshd
    mount -t tmpfs tmpfs $system/tmp
    mount -t proc proc $system/proc
    [ $system -ef / ] || mount --rbind /dev $system/dev
    exec chroot $system /usr/sbin/sshd -D -e -f /dev/null "$@"
"""
"""The home and the files come first: they may lie below /tmp, which this machine's own system hides
with a new one."""
READY_SECONDS = 60


@dataclass
class Sshd:
    """One that runs."""

    home: Path
    """The home of its only user."""
    host: Host
    port: int
    log_path: Path

    @property
    def log(self) -> str:
        """What it has said."""
        return self.log_path.read_text(errors="replace")

    @property
    def logins(self) -> int:
        """How many logins it has accepted."""
        return self.log.count("Accepted publickey")


def why_none() -> str:
    """Return what keeps this process from running an sshd; "" where nothing does."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "only root on Linux can run an sshd that touches nothing"
    if find_system() is None:
        return "there is no /usr/sbin/sshd, and the sandbox's base system has not been made"
    words = ["unshare", "--mount", "--pid", "--fork", "true"]
    tried = subprocess.run(words, capture_output=True, text=True, check=False)
    return tried.stderr.strip()


def find_system() -> Path | None:
    """Return the root of a system that has an sshd."""
    from sandbox.hosts import base_system

    named = os.environ.get("NOTEBAKE_SSHD_SYSTEM")
    candidates = [Path(named)] if named else [base_system.find_base(), Path("/")]
    return next(
        (candidate for candidate in candidates if candidate and (candidate / SSHD).exists()), None
    )


def has_program(path: str) -> bool:
    """Tell whether the system has a program."""
    system = find_system()
    return system is not None and (system / path.lstrip("/")).exists()


@contextmanager
def sshd_running(
    folder: Path,
    *options: str,
    login_shell: str = "/bin/bash",
    use_pam: bool = False,
    etc_files: dict[str, str] | None = None,
    host_key: str = "",
) -> Iterator[Sshd]:
    """Run one with such options, in a folder; `etc_files` are put into /etc, by names."""
    system = find_system()
    assert system is not None
    home, etc, log = folder / "root", folder / "etc", folder / "log"
    home.mkdir(parents=True)
    etc.mkdir()
    for name, kind in (("key", "ed25519"), ("host", "ed25519"), ("other-host", "ecdsa")):
        make_key(home / name, kind)
    if host_key:
        (home / "host").write_text(host_key)
        (home / "host.pub").unlink()
    users = (system / "etc/passwd").read_text().splitlines()
    users = [
        f"root:x:0:0:root:/mnt:{login_shell}" if line.startswith("root:") else line
        for line in users
    ]
    for name, content in {"passwd": "\n".join(users) + "\n", **(etc_files or {})}.items():
        (etc / name).parent.mkdir(parents=True, exist_ok=True)
        (etc / name).write_text(content)
    port = free_port()
    words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-c"]
    words += [textwrap.dedent(IN_NAMESPACES), "sshd", str(system), str(home), str(etc)]
    words += ["-p", str(port), "-o", f"UsePAM={'yes' if use_pam else 'no'}"]
    for option in (*options, *OPTIONS):
        words += ["-o", option]
    with (
        log.open("wb") as log_file,
        subprocess.Popen(words, stderr=log_file, stdout=log_file) as server,
    ):
        try:
            wait_for(server, port, log)
            yield Sshd(home, host_of(home, folder), port, log)
        finally:
            server.kill()


def host_of(home: Path, folder: Path) -> Host:
    """Return the host as a run sees it."""
    key = folder / "key"
    key.write_bytes((home / "key").read_bytes())
    key.chmod(0o600)
    public = subprocess.check_output(["ssh-keygen", "-y", "-f", home / "host"], text=True)
    return Host(
        instance_id="i-1",
        address="127.0.0.1",
        user="root",
        host_key=" ".join(public.split()[:2]),
        private_key_path=str(key),
    )


def make_key(path: Path, kind: str = "ed25519") -> None:
    command = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def wait_for(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until it listens; fail with what it said where it has ended."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        # Not by a connection: it would count among those that have not logged in.
        if f"listening on 127.0.0.1 port {port}" in log.read_text():
            return
        time.sleep(0.02)
    raise AssertionError(f"no sshd on port {port}: {log.read_text()}")
