"""A machine for the tests of tunnels: sshd and JupyterLab in namespaces, behind their own cable.

Its addresses can be changed, its packets dropped, its connections cut; nothing of this machine is
touched but one cable, whose other end carries the address of "the laptop".
"""

import os
import secrets
import shutil
import socket
import subprocess
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from notebake.commands.jupyter_units import TOKEN_FILE, server_config
from notebake.ssh.host import Host
from tests.clients.install import INSTALLED, LOCKS, is_installed
from tests.limits import HANG_SECONDS

TOKEN = secrets.token_hex(24)
NETWORK = "10.211"
JUPYTER_PORT = 8888
SSHD = """
    set -eu
    work=$1; shift
    mount -t tmpfs tmpfs $work
    mkdir $work/etc $work/etc-work $work/bin $work/bin-work $work/home
    mount -t overlay overlay -o lowerdir=/etc,upperdir=$work/etc,workdir=$work/etc-work /etc
    mount -t overlay overlay \
        -o lowerdir=/usr/local/bin,upperdir=$work/bin,workdir=$work/bin-work /usr/local/bin
    printf '#!/bin/sh\\nexec "$@"\\n' > /usr/local/bin/sudo
    chmod 755 /usr/local/bin/sudo
    sed -i "s|^root:.*|root:x:0:0:root:$work/home:/bin/bash|" /etc/passwd
    mkdir -p /etc/notebake
    cp ${work%/*}/token /etc/notebake/jupyter-token
    mount -t tmpfs tmpfs /run
    mkdir /run/sshd
    exec /usr/sbin/sshd -D -e -f /dev/null "$@"
"""
OPTIONS = (
    *("UsePAM=no", "PidFile=none", "PermitRootLogin=yes", "StrictModes=no"),
    *("ClientAliveInterval=15", "ClientAliveCountMax=3"),
)


def why_none() -> str:
    """Return what keeps this computer from having such a machine; "" if nothing does."""
    if os.name != "posix" or os.geteuid() != 0 or not shutil.which("ip"):
        return "only root on Linux has networks of its own"
    if not Path("/usr/sbin/sshd").exists():
        return "there is no /usr/sbin/sshd"
    if not is_installed("jupyterlab", LOCKS["jupyterlab"]):
        return "JupyterLab is not installed for the tests: make clients"
    tried = subprocess.run(
        ["unshare", "--net", "--mount", "true"], capture_output=True, text=True, check=False
    )
    return tried.stderr.strip()


@dataclass
class Machine:
    """One that runs."""

    name: str
    number: int
    folder: Path
    last_byte: int = 2
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"{NETWORK}.{self.number}.{self.last_byte}"

    @property
    def host(self) -> Host:
        """As notebake sees it at this moment."""
        public = (self.folder / "host.pub").read_text().split()
        return Host(
            instance_id=f"i-{self.number:017x}",
            address=self.address,
            user="root",
            private_key_path=str(self.folder / "key"),
            host_key=" ".join(public[:2]),
        )

    def inside(self, *words: str) -> list[str]:
        return ["ip", "netns", "exec", self.name, *words]

    def run(self, *words: str) -> str:
        done = subprocess.run(
            self.inside(*words), capture_output=True, text=True, check=False, timeout=HANG_SECONDS
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start_sshd(self) -> None:
        folder = self.folder
        words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        words += ["bash", "-c", textwrap.dedent(SSHD), "sshd", str(folder / "work"), "-p", "22"]
        for option in (
            *OPTIONS,
            f"HostKey={folder / 'host'}",
            f"AuthorizedKeysFile={folder / 'key.pub'}",
        ):
            words += ["-o", option]
        self._start("sshd", words)
        self.wait(lambda: "listening on" in self.log("sshd"), "sshd")

    def start_jupyter(self) -> None:
        config = self.folder / "jupyter_server_config.py"
        text = server_config(JUPYTER_PORT).replace(TOKEN_FILE, str(self.folder / "token"))
        config.write_text(f"{text}\nc.ServerApp.allow_root = True\n")
        program = INSTALLED / "jupyterlab/bin/jupyter-lab"
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        self._start("jupyter", [str(program), f"--config={config}"], home)
        self.wait(self.answers, "JupyterLab")

    def answers(self) -> bool:
        """Tell whether JupyterLab answers on the machine itself."""
        url = f"http://127.0.0.1:{JUPYTER_PORT}/api"
        done = subprocess.run(
            self.inside("curl", "--silent", "--fail", "--noproxy", "*", url),
            capture_output=True,
            check=False,
        )
        return done.returncode == 0

    def stop(self, name: str) -> None:
        """Kill a service with all that it has started."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def stop_all(self) -> None:
        for name in list(self.processes):
            self.stop(name)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + HANG_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"waited for {what}"
            for name, process in self.processes.items():
                assert process.poll() is None, self.log(name)
            time.sleep(0.05)

    # What befalls the line.

    def drop_packets(self) -> None:
        """Let packets vanish in both directions."""
        self.run("nft", "add table inet lost")
        for hook in ("input", "output"):
            chain = f"{{ type filter hook {hook} priority 0; }}"
            self.run("nft", f"add chain inet lost {hook} {chain}")
            self.run("nft", f"add rule inet lost {hook} iifname != lo oifname != lo counter drop")

    def pass_packets(self) -> int:
        """Let packets through again; return how many had vanished."""
        listed = self.run("nft", "list", "table", "inet", "lost")
        self.run("nft", "delete table inet lost")
        counts = [part.split()[0] for part in listed.split("packets ")[1:]]
        return sum(map(int, counts))

    def end_sessions(self) -> int:
        """Kill the processes of sshd that hold connections: the other end sees FIN."""
        return self._kill_sessions("KILL")

    def reset_connections(self) -> int:
        """Answer the next packet of each connection to sshd with RST, from either end."""
        self.run("nft", "add table inet cutting")
        chain = "{ type filter hook input priority 0; }"
        self.run("nft", f"add chain inet cutting input {chain}")
        rule = "tcp dport 22 ct state established counter reject with tcp reset"
        self.run("nft", f"add rule inet cutting input {rule}")
        self.wait(lambda: self._resets() > 0, "a packet to be answered with RST")
        fired = self._resets()
        self.run("nft", "delete table inet cutting")
        self._kill_sessions("KILL")
        return fired

    def change_address(self) -> None:
        """Take the address away and give the machine the next one."""
        before = self.address
        self.last_byte += 1
        self.run("ip", "address", "add", f"{self.address}/24", "dev", "cable")
        self.run("ip", "address", "del", f"{before}/24", "dev", "cable")
        # The system keeps the second address of a network only if it is told to.
        shown = self.run("ip", "address", "show", "dev", "cable")
        if self.address not in shown:
            self.run("ip", "address", "add", f"{self.address}/24", "dev", "cable")

    def _resets(self) -> int:
        listed = self.run("nft", "list", "table", "inet", "cutting")
        return int(listed.split("packets ")[1].split()[0])

    def _kill_sessions(self, signal: str) -> int:
        main = self.processes["sshd"].pid
        children = _descendants(main)
        sessions = [pid for pid in children if _command(pid).startswith("sshd: root")]
        for pid in sessions:
            subprocess.run(["kill", f"-{signal}", str(pid)], check=False)
        return len(sessions)

    def _start(self, name: str, words: list[str], home: Path | None = None) -> None:
        environment = {**os.environ, "HOME": str(home)} if home else None
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                self.inside(*words),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=environment,
                cwd=home,
            )


@contextmanager
def machine_running(folder: Path) -> Iterator[Machine]:
    """Run a machine, with sshd and JupyterLab, in a folder; leave nothing of it."""
    with _own_number() as number, _machine_with(number, folder) as machine:
        yield machine


@contextmanager
def _own_number() -> Iterator[int]:
    """Give a number that no other test on this computer has; it ends with this process."""
    for number in range(1, 250):
        with socket.socket(socket.AF_UNIX) as claim:
            try:
                claim.bind(f"\0notebake-test-network-{number}")
            except OSError:
                continue
            yield number
            return
    raise AssertionError("250 networks of tests are in use")


@contextmanager
def _machine_with(number: int, folder: Path) -> Iterator[Machine]:
    folder.mkdir(parents=True)
    (folder / "work").mkdir()
    (folder / "token").write_text(f"{TOKEN}\n")
    name = f"nbtest{number}-{os.getpid()}"
    for key in ("key", "host"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)],
            check=True,
            stdin=subprocess.DEVNULL,
        )
    machine = Machine(name, number, folder)
    near = f"nbt{number}x{os.getpid() % 100000}"
    with ExitStack() as stack:
        _ip("netns", "add", name)
        stack.callback(_ip, "netns", "delete", name)
        _ip("link", "add", near, "type", "veth", "peer", "name", "cable", "netns", name)
        stack.callback(subprocess.run, ["ip", "link", "delete", near], check=False)
        _ip("address", "add", f"{NETWORK}.{number}.1/24", "dev", near)
        _ip("link", "set", near, "up")
        machine.run("ip", "link", "set", "lo", "up")
        machine.run("sysctl", "-qw", "net.ipv4.conf.all.promote_secondaries=1")
        machine.run("ip", "address", "add", f"{machine.address}/24", "dev", "cable")
        machine.run("ip", "link", "set", "cable", "up")
        stack.callback(machine.stop_all)
        machine.start_sshd()
        machine.start_jupyter()
        yield machine


def ask(port: int, path: str) -> httpx.Response:
    """Ask JupyterLab behind a port of this computer, logged in."""
    headers = {"Authorization": f"token {TOKEN}"}
    return httpx.get(
        f"http://127.0.0.1:{port}{path}", headers=headers, timeout=HANG_SECONDS, trust_env=False
    )


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, stdin=subprocess.DEVNULL)


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *_descendants(child)]
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return ""
