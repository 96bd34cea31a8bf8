"""`make up-shared`: PostgreSQL, a server on it and two workers are there, and all of them end."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from notebake.waiting import wait_until
from tests.flows.test_workers import workers_in
from tests.limits import HANG_SECONDS
from tests.own_prefect import OwnPrefect, is_alive, own_prefect
from tests.shared.conftest import short_path, why_not

pytestmark = [
    pytest.mark.skipif(
        not os.environ.get("NOTEBAKE_TEST_ALL"),
        reason="starts Prefect several times: make test-all",
    ),
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "PostgreSQL is there"),
]
CLOUD = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}


def pids(prefect: OwnPrefect) -> list[int]:
    workers: list[dict[str, Any]] = prefect.state()["workers"]
    return sorted(each["process"]["pid"] for each in workers)


def cluster_of(home: Path) -> int:
    return int(json.loads((home / "postgresql.json").read_text())["pid"])


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    wait_until(
        lambda: None if is_alive(pid) else True, what=f"{pid} to end", timeout_seconds=HANG_SECONDS
    )


def test_there_are_as_many_workers_as_wanted_whatever_happened_before() -> None:
    with short_path() as folder:
        home = folder / "home"
        with own_prefect(home) as prefect:
            prefect.start_shared(CLOUD)
            first, cluster = pids(prefect), cluster_of(home)
            assert len(first) == 2
            assert sorted(workers_in(home)) == first

            prefect.start_shared(CLOUD)
            assert pids(prefect) == first, "workers for the same cloud stay"

            kill(first[0])
            prefect.start_shared(CLOUD)
            assert first[1] in pids(prefect)
            assert sorted(workers_in(home)) == pids(prefect)
            assert len(pids(prefect)) == 2, "the one that was killed is started again"

            kill(cluster)
            prefect.start_shared(CLOUD)
            assert is_alive(cluster_of(home)), "its files are repaired by itself"

            prefect.start(CLOUD)
            assert len(pids(prefect)) == 1
            assert sorted(workers_in(home)) == pids(prefect)
            assert not (home / "postgresql.json").exists(), "on SQLite nobody needs it"
            last = [*pids(prefect), int(prefect.state()["server"]["pid"])]

        assert not any(map(is_alive, [*first, cluster, *last]))
        assert workers_in(home) == []
