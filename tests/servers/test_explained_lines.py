"""The ssh lines of `notebake explain`, typed as they are printed, at a host that runs."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from notebake.aws import tags
from notebake.explanation.document import Explanation
from notebake.explanation.server_explanation import explain_server
from notebake.explanation.server_facts import ServerFacts
from notebake.servers.offer import price_server
from notebake.servers.server import Server
from tests.limits import HANG_SECONDS
from tests.servers.world import JUPYTER_PORT, TOKEN, Machine, ask

DISK = {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 8, "VolumeType": "gp3"}}
PORT = 7093
"""One that no server of these tests is opened at."""


def explained(machine: Machine) -> Explanation:
    """Return the explanation of a server that is this machine."""
    host = machine.host
    server = Server(
        id=host.instance_id,
        name="ocean",
        owner="ada",
        region="us-west-2",
        state="running",
        instance_type="t3.large",
        zone="us-west-2a",
        image_id="ami-0123456789abcdef0",
        public_address=machine.address,
        started_at=datetime.now(UTC),
        tags={
            tags.LOGIN: host.user,
            tags.HOST_KEY: host.host_key,
            tags.JUPYTER_PORT: str(JUPYTER_PORT),
        },
    )
    facts = ServerFacts(
        server=server,
        vpc_id="vpc-0123456789abcdef0",
        subnet_id="subnet-0123456789abcdef0",
        group_id="sg-0123456789abcdef0",
        rules=(),
        profile="",
        image_name="",
        schedules=(),
        disks={},
        offer=price_server("t3.large", [DISK], "us-west-2"),
        key_path=host.private_key_path,
        has_key=True,
        port=PORT,
    )
    return explain_server(facts)


def lines_of(explanation: Explanation, *beginnings: str) -> list[str]:
    """Return what is typed that begins in one of these ways, in order."""
    return [
        action.text
        for section in explanation.sections
        for step in section.steps
        for action in step.actions
        if action.text.startswith(beginnings)
    ]


def typed(folder: Path, text: str, then: str = "") -> str:
    """Type lines, and what the shell there is told then; return what was printed."""
    done = subprocess.run(
        ["bash", "-euc", text],
        cwd=folder,
        input=then,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def test_the_lines_log_in_and_read_the_token(machine: Machine, folder: Path) -> None:
    pinning, login = lines_of(explained(machine), "echo i-", "ssh -i")
    (reading,) = lines_of(explained(machine), "sudo cat")

    typed(folder, pinning)
    printed = typed(folder, login, then=f"{reading}\nexit\n")

    assert printed.split() == [TOKEN]


def test_another_host_key_is_refused(machine: Machine, folder: Path) -> None:
    pinning, login = lines_of(explained(machine), "echo i-", "ssh -i")
    other = machine.host.host_key[:-6] + "AAAAAA"

    typed(folder, pinning.replace(machine.host.host_key.split()[1], other.split()[1]))
    done = subprocess.run(
        ["bash", "-c", login],
        cwd=folder,
        input="true\n",
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert "verification failed" in done.stderr


def test_the_tunnel_leads_to_jupyterlab(machine: Machine, folder: Path) -> None:
    pinning, tunnel = lines_of(explained(machine), "echo i-", "ssh -N")

    typed(folder, pinning)
    with ending_tunnels():
        subprocess.run(["bash", "-euc", tunnel], cwd=folder, check=True, stderr=subprocess.DEVNULL)
        assert ask(PORT, "/api/status").status_code == 200


@contextmanager
def ending_tunnels() -> Iterator[None]:
    """End the ssh that has gone to the background, and prove that there was one."""
    try:
        yield
    finally:
        pids = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
        found = [pid for pid in pids if is_ours(pid)]
        for pid in found:
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + HANG_SECONDS
        while any(map(is_ours, found)) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert found


def is_ours(pid: int) -> bool:
    """Tell whether a process is the tunnel of these tests."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return words[:2] == [b"ssh", b"-N"] and f"localhost:{PORT}:".encode() in b" ".join(words)
