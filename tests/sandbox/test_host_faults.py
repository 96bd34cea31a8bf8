"""What hosts and lines of the sandbox can suffer; each fault proves that it struck."""

import queue
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sandbox.hosts.machines import Exit
from tests.limits import HANG_SECONDS
from tests.sandbox.one_host import one_host_opened
from tests.sandbox.test_hosts import Cloud, is_open, wait_for_ssh

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with one_host_opened(tmp_path_factory.mktemp("faults")) as cloud:
        yield cloud


@contextmanager
def ticking(cloud: Cloud) -> Iterator[subprocess.Popen[str]]:
    """Give an ssh session that has begun to print."""
    options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR")
    address = cloud.machines.reserve_address("i-1")
    words = ["ssh", "-F", "none", "-i", str(cloud.key), *(f"-o{option}" for option in options)]
    command = [*words, f"root@{address}", "while echo tick; do sleep 0.05; done"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as session:
        try:
            assert session.stdout
            assert session.stdout.readline() == "tick\n"
            yield session
        finally:
            session.kill()


def test_a_cut_resets_what_is_connected_for_both_ends_and_lets_in_anew(cloud: Cloud) -> None:
    with ticking(cloud) as session:
        assert cloud.machines.cut_ssh("i-1") == 1
        _, errors = session.communicate(timeout=HANG_SECONDS)
        assert session.returncode == 255
        assert "reset" in errors or "Broken pipe" in errors, "it was told at once"
    loops = "pgrep --count --full 'while echo [t]ick' || true"
    deadline = time.monotonic() + HANG_SECONDS
    while cloud.ssh("i-1", loops) != "0":
        assert time.monotonic() < deadline, "the machine does not know that nobody listens"
    assert cloud.machines.cut_ssh("i-1") == 0, "nothing was left to cut"


def test_what_is_frozen_is_lost_in_silence_and_goes_on_when_it_thaws(cloud: Cloud) -> None:
    address = cloud.machines.reserve_address("i-1")
    arrived: queue.Queue[str] = queue.Queue()
    with ticking(cloud) as session:
        assert session.stdout
        cloud.machines.freeze_ssh("i-1")
        with pytest.raises(TimeoutError):
            socket.create_connection((address, 22), timeout=0.3)
        assert session.poll() is None, "nobody was told"
        assert cloud.machines.dropped_ssh("i-1") > 1
        assert cloud.machines.thaw_ssh("i-1") > 1
        for _ in range(50):
            arrived.put(session.stdout.readline())
        assert session.poll() is None
    assert set(arrived.queue) == {"tick\n"}
    assert cloud.machines.thaw_ssh("i-1") == 0, "it may be repeated"
    wait_for_ssh(address)


def test_a_killed_machine_says_so_and_can_be_booted_again(cloud: Cloud) -> None:
    cloud.ssh("i-1", "echo kept >/var/kept; sync")
    cloud.machines.kill("i-1")
    assert cloud.exits.get(timeout=HANG_SECONDS) == ("i-1", Exit.KILLED)
    assert cloud.machines.running() == []
    cloud.machines.kill("i-1")
    cloud.boot("i-1")
    assert cloud.ssh("i-1", "cat /var/kept") == "kept"


def test_a_machine_that_never_boots_runs_but_nothing_answers(cloud: Cloud) -> None:
    cloud.create("i-2")
    cloud.machines.prevent_boot("i-2")
    address = cloud.machines.reserve_address("i-2")
    cloud.machines.boot("i-2", lambda instance_id, why: cloud.exits.put((instance_id, why)))
    assert "i-2" in cloud.machines.running()
    assert not is_open(address, 22)
    assert "Kernel panic" in cloud.machines.console("i-2")
    cloud.machines.shut_down("i-2", timeout_seconds=0.1)
    assert cloud.exits.get(timeout=HANG_SECONDS) == ("i-2", Exit.KILLED), (
        "it does not hear that it should end"
    )
    cloud.machines.destroy("i-2")
    cloud.create("i-3")
    assert cloud.machines.reserve_address("i-3") == address
    cloud.boot("i-3")
    assert is_open(address, 22), "the next one at this address is heard"
    cloud.machines.destroy("i-3")
