"""Records on a host what the idle stop sees, check by check, and beside it what other rules ask.

It runs with the host's own Python: the program of the idle stop is what it imports.
Arguments: the number of checks, the seconds between them, the file, and the folder of the program.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request
from dataclasses import asdict, replace
from pathlib import Path

sys.path.insert(0, sys.argv[4])
from notebake.machines.idle.collect import collect
from notebake.machines.idle.judge import judge
from notebake.machines.idle.memory import Memory, read_clocks
from notebake.machines.idle.metadata import read_tags
from notebake.machines.idle.settings import parse_tags, read_limits
from notebake.machines.idle.traffic import read_interface_bytes

LIMITS = read_limits()[0]


def main() -> None:
    checks, seconds, file = int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3])
    # Once: each question is traffic, which in earnest is a minute's.
    memory, lines, tags = Memory(), [], read_tags()
    for _ in range(checks):
        clocks = read_clocks()
        settings = parse_tags(tags, LIMITS)[0]
        signals, memory = collect(memory, settings.limits, clocks)
        judgement = judge(signals, settings, clocks.now)
        used_at = clocks.as_elapsed(judgement.used.at)
        memory = replace(memory, used=(used_at, judgement.used.what))
        memory = replace(memory, worked=clocks.as_elapsed(judgement.worked))
        lines.append({"signals": asdict(signals), "tags": tags, "others": others()})
        time.sleep(seconds)
    file.with_suffix(".new").write_text(json.dumps(lines))
    file.with_suffix(".new").rename(file)


def others() -> dict[str, object]:
    """Return counters and lists that the rules of others ask for."""
    return {
        "taken": time.time(),
        "cores": os.cpu_count(),
        "cpu_seconds": whole_cpu_seconds(),
        "network_bytes": read_interface_bytes(),
        "disk_bytes": disk_bytes(),
        # The first is the console of nspawn, which no machine of EC2 has.
        "terminals": [path.name for path in Path("/dev/pts").glob("[1-9]*")],
        "logins": subprocess.check_output(["who"], text=True).splitlines(),
        "ssh_terminals": ssh_terminals(),
        "ssh_connections": ssh_connections(),
        "sessions": ask_jupyter("/api/sessions"),
        "kernels": ask_jupyter("/api/kernels"),
        "jupyter_terminals": ask_jupyter("/api/terminals"),
        "server": ask_jupyter("/api/status"),
    }


def whole_cpu_seconds() -> float:
    """Return the processor time of the whole machine: /proc/stat would show a container's host."""
    for root in (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified")):
        if (root / "cgroup.controllers").exists():
            groups = [group for group in root.iterdir() if (group / "cpu.stat").exists()]
            return sum(int((group / "cpu.stat").read_text().split()[1]) for group in groups) / 1e6
    raise SystemExit("there is no cgroup2")


def disk_bytes() -> int:
    """Return what all processes have read from and written to disks so far."""
    total = 0
    for entry in Path("/proc").glob("[0-9]*/io"):
        try:
            words = entry.read_text().split()
        except OSError:
            continue
        total += sum(int(words[words.index(key) + 1]) for key in ("read_bytes:", "write_bytes:"))
    return total


def ssh_terminals() -> list[str]:
    """Return the names of processes that have a terminal and descend from sshd."""
    parents, names, terminals = {}, {}, {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            before, _, after = entry.read_text().rpartition(")")
        except OSError:
            continue
        number, _, name = before.partition(" (")
        fields = after.split()
        parents[number], names[number], terminals[number] = fields[1], name, int(fields[4])
    found = []
    for number, terminal in terminals.items():
        above = number
        while above in parents and names[above] not in ("sshd", "sshd-session"):
            above = parents[above]
        if terminal and above in parents and above != number:
            found.append(names[number])
    return found


def ssh_connections() -> int:
    """Return how many connections to port 22 are established."""
    count = 0
    for file in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(file).read_text().splitlines()[1:]:
            words = line.split()
            count += words[1].endswith(":0016") and words[3] == "01"
    return count


def ask_jupyter(path: str) -> object:
    """Return what JupyterLab answers; None if nothing."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{LIMITS.jupyter_port}{path}?no_track_activity=1",
        headers={"Authorization": f"token {Path(LIMITS.token_file).read_text().strip()}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return json.load(answer)
    except OSError:
        return None


if __name__ == "__main__":
    main()
