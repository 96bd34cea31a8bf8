"""The worker of `make up`: there is one, and it is the right one."""

import os
import signal
from pathlib import Path

import pytest

from notebake.waiting import wait_until
from tests.limits import HANG_SECONDS
from tests.own_prefect import OwnPrefect, is_alive, own_prefect

pytestmark = pytest.mark.skipif(
    not os.environ.get("NOTEBAKE_TEST_ALL"), reason="starts Prefect several times: make test-all"
)
CLOUD = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}


def worker_of(prefect: OwnPrefect) -> int:
    (worker,) = prefect.state()["workers"]
    return int(worker["process"]["pid"])


def server_of(prefect: OwnPrefect) -> int:
    return int(prefect.state()["server"]["pid"])


def workers_in(home: Path) -> list[int]:
    """Return the workers of a home, as the kernel knows them."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
            variables = (path / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"worker" in words and f"NOTEBAKE_HOME={home}".encode() in variables:
            found.append(int(path.name))
    return found


def end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    wait_until(
        lambda: None if is_alive(pid) else True,
        what=f"process {pid} to end",
        timeout_seconds=HANG_SECONDS,
    )


def test_there_is_one_worker_whatever_happened_before(tmp_path: Path) -> None:
    with own_prefect(tmp_path / "home") as prefect:
        prefect.start(CLOUD)
        first = worker_of(prefect)
        assert workers_in(prefect.home) == [first]

        prefect.start(CLOUD)
        assert worker_of(prefect) == first, "a worker for the same cloud stays"

        prefect.start({**CLOUD, "AWS_REGION": "eu-central-1"})
        second = worker_of(prefect)
        assert workers_in(prefect.home) == [second]

        end(server_of(prefect))
        prefect.start({**CLOUD, "AWS_REGION": "eu-central-1"})
        assert workers_in(prefect.home) == [worker_of(prefect)], "also after its server was killed"

        end(worker_of(prefect))
        prefect.start(CLOUD)
        assert workers_in(prefect.home) == [worker_of(prefect)]
        server = server_of(prefect)

    assert workers_in(tmp_path / "home") == []
    assert not is_alive(server)
