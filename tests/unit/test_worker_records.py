"""What is recorded of the workers of `make up`, and which of them stay."""

import json
from pathlib import Path

import pytest

from deployments import worker
from deployments.postgresql import make_directories
from deployments.worker import digest_of_environment, surplus_workers
from flows.local_prefect.server import Server, Worker, read_state, state_path
from notebake.errors import NotebakeError
from notebake.local.process import Process, this_process

CLOUD = {"AWS_REGION": "us-west-2"}
ELSEWHERE = {"AWS_REGION": "eu-central-1"}


def living(number: int, variables: dict[str, str] = CLOUD) -> Worker:
    digest = digest_of_environment(variables)
    return Worker(number=number, process=this_process(), environment=digest)


def dead() -> Process:
    return this_process().model_copy(update={"started": "1"})


def server_with(*workers: Worker) -> Server:
    return Server(url="http://127.0.0.1:1", server=this_process(), workers=workers)


def test_a_worker_of_an_earlier_version_is_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path))
    process = this_process().model_dump()
    record = {"url": "http://127.0.0.1:1", "server": process, "stays": True}
    record |= {"worker": process, "worker_environment": "abc"}
    state_path().write_text(json.dumps(record))

    found = read_state()

    assert found is not None
    assert found.workers == (Worker(number=1, process=this_process(), environment="abc"),)

    state_path().write_text(json.dumps({**record, "worker": None}))
    found = read_state()
    assert found is not None
    assert found.workers == ()


def test_workers_for_the_same_cloud_stay() -> None:
    server = server_with(living(1), living(2))
    assert surplus_workers(server, CLOUD, 2) == ()
    assert surplus_workers(server, CLOUD, 3) == ()


def test_workers_for_another_cloud_and_those_beyond_the_number_go() -> None:
    server = server_with(living(1, ELSEWHERE), living(2), living(3))
    assert [each.number for each in surplus_workers(server, CLOUD, 1)] == [1, 3]
    assert [each.number for each in surplus_workers(server, CLOUD, 2)] == [1]


def test_dead_workers_are_started_again_under_their_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path))
    gone = Worker(number=1, process=dead(), environment=digest_of_environment(CLOUD))
    started: list[int] = []

    def start(number: int, variables: dict[str, str]) -> Worker:
        started.append(number)
        return living(number, variables)

    monkeypatch.setattr(worker, "start_worker", start)

    worker.replace_workers(server_with(gone, living(2)), CLOUD, 3)

    assert started == [1, 3]
    found = read_state()
    assert found is not None
    assert sorted(each.number for each in found.workers) == [1, 2, 3]


def test_a_home_with_too_long_a_path_for_a_socket_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / ("x" * 100)
    monkeypatch.setenv("NOTEBAKE_HOME", str(home))
    with pytest.raises(NotebakeError, match="too long a path") as caught:
        make_directories()
    assert "NOTEBAKE_HOME" in caught.value.hint
    assert not home.exists()
