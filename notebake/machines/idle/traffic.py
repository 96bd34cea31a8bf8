"""Bytes through the network, and how many of them were a tunnel's own."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROC = "/proc"
HEADERS = 1.1
"""Packets hold some more bytes than the connection carries: headers, and acknowledgements."""
LIST_CONNECTIONS = ("ss", "--no-header", "--tcp", "--numeric", "--info", "--processes",
                    "state", "established")  # fmt: skip
SSHD = ("sshd", "sshd-session")
"""The program of a login's own process; the second name is that from OpenSSH 9.8 on."""
LOOPBACK = re.compile(r"127\.|\[::1\]|\[::ffff:127\.")


Process = tuple[str, int, int]
"""Its name, its parent's id, and its terminal: 0 is none (fields 2, 4 and 7 of proc(5), stat)."""
Carried = tuple[int, bool]
"""A connection's bytes so far, and whether it is a tunnel."""


@dataclass(frozen=True)
class Connection:
    """An ssh connection: its addresses, its bytes so far, and the processes that hold it."""

    addresses: str
    total_bytes: int
    process_ids: tuple[int, ...]


def read_interface_bytes(proc: str = PROC) -> int:
    """Return the bytes so far, both ways, of the interfaces that lead outside."""
    routes = [line.split() for line in Path(proc, "net/route").read_text().splitlines()[1:]]
    outward = {route[0] for route in routes if route[1] == "00000000"}
    total = 0
    for line in Path(proc, "net/dev").read_text().splitlines()[2:]:
        name, _, counts = line.partition(":")
        if name.strip() in outward or (not outward and name.strip() != "lo"):
            numbers = counts.split()
            total += int(numbers[0]) + int(numbers[8])
    return total


def read_connections(proc: str = PROC) -> tuple[dict[str, Carried], list[str]]:
    """Return what each ssh connection has carried so far, by its addresses, and complaints.

    A connection is a tunnel unless it carries work: a command without a terminal, as sftp, scp and
    rsync start it. What is done in a terminal is known by its input.
    """
    try:
        done = subprocess.run(LIST_CONNECTIONS, capture_output=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return {}, [f"Tunnels count as traffic, as ss cannot list connections: {error}"]
    processes = list(_processes(Path(proc)))
    connections = parse_connections(done.stdout.decode(errors="replace"))
    return {
        each.addresses: (each.total_bytes, not has_command(each.process_ids, processes))
        for each in connections
    }, []


def parse_connections(text: str) -> list[Connection]:
    """Return the connections of sshd from outside, from what ss prints: two lines for each."""
    found = []
    for line in re.split(r"\n(?=\S)", text.strip()):
        words = line.split()
        holders = re.findall(r'\("([^"]+)",pid=(\d+)', line)
        counts = [int(count) for count in re.findall(r"bytes_(?:acked|received):(\d+)", line)]
        if len(words) < 4 or not any(name in SSHD for name, _ in holders):
            continue
        local, peer = [word for word in words if re.search(r":\d+$", word)][:2]
        if not LOOPBACK.match(local):
            ids = tuple(int(process_id) for _, process_id in holders)
            found.append(Connection(f"{local} {peer}", sum(counts), ids))
    return found


def has_command(process_ids: Sequence[int], processes: Iterable[Process]) -> bool:
    """Return whether one of sshd's processes has started a command that has no terminal."""
    return any(
        terminal == 0 and parent in process_ids and name not in SSHD
        for name, parent, terminal in processes
    )


def _processes(proc: Path) -> Iterator[Process]:
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            before, _, after = (entry / "stat").read_text().rpartition(")")
            words = (entry / "cmdline").read_text(errors="replace")
        except OSError:  # it has ended
            continue
        fields = after.split()
        # An sftp server within sshd is a process of sshd that says so in its title.
        name = "internal-sftp" if "internal-sftp" in words else before.partition("(")[2]
        yield name, int(fields[1]), int(fields[4])


def tunnel_difference(before: Mapping[str, Sequence[int]], after: Mapping[str, Carried]) -> float:
    """Return how many bytes of the interfaces were the tunnels' between two readings."""
    return HEADERS * sum(
        max(0, total - before.get(addresses, (0,))[0])
        for addresses, (total, is_tunnel) in after.items()
        if is_tunnel
    )
