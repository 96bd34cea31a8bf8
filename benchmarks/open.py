"""An open server against `ssh -N -L` and `autossh -M 0`: breaks, throughput, cost while idle."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from benchmarks.open_holders import Holder, Ours, autossh, goes_on, plain_ssh, wait_for_port
from benchmarks.own_cloud import PROJECT
from benchmarks.section import Section, Table, at_most
from benchmarks.stopped_server import measure_stopped
from notebake.servers.folders import Reached
from notebake.servers.line_keeper import LineKeeper
from notebake.servers.tunnel import Tunnel
from tests.servers.breaks import BREAKS, Scene
from tests.servers.opened import read_place, write_place
from tests.servers.tab import Tab
from tests.servers.typed import Typed, laptop
from tests.servers.world import Machine, machine_running, why_none
from tests.ssh.own_sshd import free_port

Make = Callable[[Machine, Path], Holder]
OURS = "notebake open"
HOLDERS: dict[str, Make] = {OURS: Ours, "ssh -N -L": plain_ssh, "autossh -M 0": autossh}
AWAY_SECONDS = 60
"""How long a tab may take to go on by itself after the break is over."""
DROPPED_SECONDS = 120
FROZEN_SECONDS = 100
"""Longer than sshd waits for an answer (45 s), after which ten minutes are no other case."""
BYTES = 200_000_000
SINK_PORT = 8899
ROUNDS = 5
IDLE_SECONDS = 30
SENDER = f"""
import socket, threading
chunk = bytes(1 << 16)
def send(connection):
    with connection:
        left = {BYTES} if connection.recv(1) else 0
        while left > 0:
            connection.sendall(chunk[:left])
            left -= len(chunk[:left])
server = socket.create_server(("127.0.0.1", {SINK_PORT}))
while True:
    threading.Thread(target=send, args=(server.accept()[0],)).start()
"""


def measure(*, stopped: bool = False) -> Section:
    """Measure for some eight minutes; three machines have their breaks at the same time.

    With `stopped` it is measured how soon a stopped server is opened, and nothing else.
    """
    if stopped:
        return measure_stopped()
    if reason := why_none():
        raise RuntimeError(f"No machine for tunnels here: {reason}")
    if not shutil.which("autossh"):
        raise RuntimeError("autossh is not installed: apt-get install autossh")
    with tempfile.TemporaryDirectory(prefix="nb-", dir="/tmp") as name:
        folder = Path(name)
        with machine_running(folder / "machine") as machine:
            opening = time_opening(machine, folder)
            rates = rates_of(machine, folder)
            idle = cost_of_idling(machine, folder)
        with ThreadPoolExecutor(len(HOLDERS)) as beside:
            running = {
                title: beside.submit(try_breaks, make, folder / f"breaks-{number}")
                for number, (title, make) in enumerate(HOLDERS.items())
            }
            breaks = {title: each.result() for title, each in running.items()}
    return describe(opening, rates, idle, breaks)


def try_breaks(make: Make, folder: Path) -> dict[str, float | None]:
    """Return for each break after how many seconds the tab went on; None: it did not."""
    found: dict[str, float | None] = {}
    with machine_running(folder / "machine") as machine:
        for name, happen in BREAKS.items():
            holder = make(machine, folder / name.replace(" ", "-"))
            tab = Tab(holder.port)
            tab.execute("kept = 6")
            scene = Scene(
                machine, holder, dropped_seconds=DROPPED_SECONDS, frozen_seconds=FROZEN_SECONDS
            )
            happen(scene)
            is_new = name == "JupyterLab restarted"
            found[name] = goes_on(tab, AWAY_SECONDS, has_new_kernel=is_new)
            sys.stderr.write(f"{holder.name}: {name}: {found[name]}\n")
            tab.close()
            holder.close()
    return found


def time_opening(machine: Machine, folder: Path) -> dict[str, list[float]]:
    """Return the seconds from typing to a page that is logged in, and those of ssh to its port."""
    ours, plain = [], []
    with laptop(machine, folder / "laptop") as place:
        for _ in range(ROUNDS):
            (place / "browser.log").unlink(missing_ok=True)
            typed = Typed(place)
            ours.append(typed.wait_until_logged_in())
            typed.end()
            began = time.monotonic()
            holder = plain_ssh(machine, folder / "plain")
            plain.append(time.monotonic() - began)
            holder.close()
    return {"notebake open, to a page that is logged in": ours, "ssh -N -L, to its port": plain}


def rates_of(machine: Machine, folder: Path) -> dict[str, list[float]]:
    """Return megabytes a second through each tunnel, in turn."""
    sender = subprocess.Popen(machine.inside(sys.executable, "-c", SENDER))
    folder.joinpath("raw").mkdir()
    write_place(machine, folder / "raw")
    near = free_port()
    host = machine.host
    options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    far = free_port()
    tunnel = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.open", str(folder / "raw"), str(near)], cwd=PROJECT
    )
    ssh = subprocess.Popen(
        [
            *("ssh", "-F", "none", "-i", host.private_key_path, "-N", *options),
            *("-o", "LogLevel=ERROR", "-L", f"127.0.0.1:{far}:localhost:{SINK_PORT}"),
            f"{host.user}@{host.address}",
        ]
    )
    rates: dict[str, list[float]] = {"notebake open": [], "ssh -N -L": []}
    try:
        for port, program in ((near, tunnel), (far, ssh)):
            wait_for_port(port, program)
            rate_through(port)
        for _ in range(ROUNDS):
            rates["notebake open"].append(rate_through(near))
            rates["ssh -N -L"].append(rate_through(far))
    finally:
        for process in (sender, tunnel, ssh):
            process.kill()
            process.wait()
    return rates


def rate_through(port: int) -> float:
    """Return the megabytes a second of BYTES through a port."""
    began, received = time.monotonic(), 0
    buffer = bytearray(1 << 18)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"x")
        while count := connection.recv_into(buffer):
            received += count
    if received != BYTES:
        raise RuntimeError(f"{received} of {BYTES} bytes came through port {port}")
    return received / 1e6 / (time.monotonic() - began)


def cost_of_idling(machine: Machine, folder: Path) -> dict[str, tuple[float, float]]:
    """Return the share of a core (%) and the memory (MB) of each tunnel with an idle tab."""
    found = {}
    for number, (title, make) in enumerate(HOLDERS.items()):
        holder = make(machine, folder / f"idle-{number}")
        tab = Tab(holder.port)
        time.sleep(2)
        before = cpu_seconds(holder.pid)
        time.sleep(IDLE_SECONDS)
        spent = cpu_seconds(holder.pid) - before
        found[title] = 100 * spent / IDLE_SECONDS, memory_mb(holder.pid)
        tab.close()
        holder.close()
    return found


def processes_of(pid: int) -> Iterator[int]:
    """Yield a process and all that it has started."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            yield from processes_of(int(child))


def cpu_seconds(pid: int) -> float:
    """Return what a process and its children have used so far."""
    ticks = 0
    for each in processes_of(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process and its children."""
    kib = 0
    for each in processes_of(pid):
        lines = Path(f"/proc/{each}/status").read_text().splitlines()
        kib += sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    return kib * 1024 / 1e6


def describe(
    opening: dict[str, list[float]],
    rates: dict[str, list[float]],
    idle: dict[str, tuple[float, float]],
    breaks: dict[str, dict[str, float | None]],
) -> Section:
    """Return what was found."""
    ours = OURS
    went_on = [seconds for seconds in breaks[ours].values() if seconds is not None]
    ratio = median(
        mine / theirs for mine, theirs in zip(rates[ours], rates["ssh -N -L"], strict=True)
    )
    first, second = opening.values()
    return Section(
        "An open server",
        (
            Table(
                ("break", *breaks),
                tuple((name, *(_shown(each[name]) for each in breaks.values())) for name in BREAKS),
                "seconds after the break until the tab runs a cell again by itself",
            ),
            Table(
                ("tunnel", "MB/s, median", "CPU idle, % of a core", "memory, MB"),
                tuple(
                    (
                        title,
                        f"{median(rates[title]):.0f}" if title in rates else "",
                        f"{idle[title][0]:.2f}",
                        f"{idle[title][1]:.0f}",
                    )
                    for title in HOLDERS
                ),
            ),
            Table(
                ("from typing", "seconds, median", "least"),
                tuple(
                    (title, f"{median(each):.2f}", f"{min(each):.2f}")
                    for title, each in opening.items()
                ),
            ),
        ),
        (
            at_most("breaks after which the tab did not go on", 8 - len(went_on), 0),
            at_most("ssh's throughput by ours", 1 / ratio, 1 / 0.7),
            at_most("CPU while idle", idle[ours][0], 1, "% of a core"),
            at_most("memory", idle[ours][1], 80, "MB"),
            at_most("from typing to a page that is logged in", median(first), 1.0, "s"),
        ),
        (
            f"Load of this machine meanwhile: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores;"
            f" typing takes {median(a / b for a, b in zip(first, second, strict=True)):.1f} times"
            " what ssh needs.",
        ),
    )


def _shown(seconds: float | None) -> str:
    return "lost" if seconds is None else f"{seconds:.1f}"


def main(folder: Path, port: int) -> None:
    """Hold our tunnel to the sender, without a page."""
    place: Reached = read_place(folder)

    async def hold() -> None:
        keeper = LineKeeper(
            lambda: place.host,
            lambda _: None,
            port=lambda: SINK_PORT,
            host=place.host,
            is_fresh=True,
        )
        await Tunnel(keeper, SINK_PORT).listen(port)
        await keeper.run()

    asyncio.run(hold())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
