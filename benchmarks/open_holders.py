"""What holds a tunnel to a server: `notebake open`, `ssh -N -L`, `autossh -M 0`."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Protocol

import httpx

from tests.limits import HANG_SECONDS
from tests.servers.opened import OpenedServer, OpenHolder, write_place
from tests.servers.tab import Tab
from tests.servers.world import JUPYTER_PORT, Machine
from tests.ssh.own_sshd import free_port

PATIENCE_SECONDS = 10


class Holder(Protocol):
    """A process that holds a tunnel at one port, whatever happens to the line."""

    name: str
    port: int

    @property
    def pid(self) -> int: ...
    def send_signal(self, number: int) -> None: ...
    def restart(self) -> None: ...
    def learn_address(self) -> None: ...
    def close(self) -> None: ...


class Ours(OpenHolder):
    """`notebake open` after its search for the server, for which a file stands in."""

    name = "notebake open"

    def __init__(self, machine: Machine, folder: Path) -> None:
        self.port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        write_place(machine, folder)
        super().__init__(machine, OpenedServer(folder, self.port, 4))
        self.server.wait_for("opened")

    @property
    def pid(self) -> int:
        return self.server.process.pid

    def close(self) -> None:
        self.server.kill()


class Ssh:
    """A program of OpenSSH's command line, with the options that its users are advised to take."""

    def __init__(self, machine: Machine, folder: Path, *words: str, options: tuple[str, ...] = ()):
        self.name = " ".join(words)
        self.port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        host = machine.host
        known_hosts = folder / "known_hosts"
        known_hosts.write_text(f"machine {host.host_key}\n")
        pinned = ("HostKeyAlias=machine", f"UserKnownHostsFile={known_hosts}", *options)
        self._words = list(words)
        self._words += ["-F", "none", "-i", host.private_key_path, "-N"]
        for option in (*pinned, "StrictHostKeyChecking=yes"):
            self._words += ["-o", option]
        self._words += ["-L", f"127.0.0.1:{self.port}:localhost:{JUPYTER_PORT}"]
        self._words += [f"{host.user}@{host.address}"]
        self.restart()

    @property
    def pid(self) -> int:
        return self.process.pid

    def send_signal(self, number: int) -> None:
        """Send it to the program, and to the ssh that autossh has started."""
        os.killpg(self.process.pid, number)
        if number == signal.SIGKILL:
            self.process.wait()

    def restart(self) -> None:
        environment = {**os.environ, "AUTOSSH_GATETIME": "0", "AUTOSSH_POLL": "30"}
        self.process = subprocess.Popen(
            self._words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=environment,
        )
        wait_for_port(self.port, self.process)

    def learn_address(self) -> None:
        """It was typed with an address, and knows no other."""

    def close(self) -> None:
        if self.process.poll() is None:
            self.send_signal(signal.SIGKILL)


def plain_ssh(machine: Machine, folder: Path) -> Ssh:
    """Return the tunnel as most people type it."""
    return Ssh(machine, folder, "ssh")


def autossh(machine: Machine, folder: Path) -> Ssh:
    """Return what is advised to those whose tunnel breaks."""
    options = ("ServerAliveInterval=15", "ServerAliveCountMax=3", "ExitOnForwardFailure=yes")
    return Ssh(machine, folder, "autossh", "-M", "0", options=options)


def wait_for_port(port: int, program: "subprocess.Popen[bytes]") -> None:
    """Wait until a program listens on a loopback port; RuntimeError if it ends instead."""
    deadline = time.monotonic() + HANG_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if program.poll() is not None:
                break
            time.sleep(0.01)
        else:
            return
    raise RuntimeError(f"nothing listens on port {port}")


def goes_on(tab: Tab, seconds: float, *, has_new_kernel: bool) -> float | None:
    """Return after how many seconds the tab ran a cell again by itself; None: not in time.

    A cell that is run before the loss is noticed is lost on its way: without an answer it is run
    again, as a person does.
    """
    began = time.monotonic()
    while time.monotonic() < began + seconds and not tab.has_given_up:
        try:
            if has_new_kernel:
                tab.take_new_kernel()
                tab.execute("1", PATIENCE_SECONDS)
            elif tab.execute("print(kept * 7)", PATIENCE_SECONDS) != "42\n":
                return None
        except (OSError, httpx.HTTPError):
            time.sleep(0.1)
        else:
            return time.monotonic() - began
    return None
