"""The log of a run on S3 is complete, whoever wrote it and wherever it was killed."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from notebake import clock
from notebake.clock import RealClock
from notebake.runs import log
from notebake.runs.files import file_location, get_file
from notebake.runs.log import run_log, upload_log
from notebake.runs.open_store import open_store
from notebake.runs.registry import new_run
from notebake.runs.run import Run
from tests.cloud_world import RECIPE, CloudWorld
from tests.limits import HANG_SECONDS
from tests.store_world import LOCATION, RefusedObject, world_with_bucket


@pytest.fixture
def world(tmp_path: Path) -> Iterator[CloudWorld]:
    with world_with_bucket(tmp_path) as opened:
        yield opened


@pytest.fixture
def run(world: CloudWorld) -> Run:
    del world
    return new_run(RECIPE, "ocean.yaml", open_store(LOCATION))


def add(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(f"{line}\n")


def lines(run: Run) -> list[str]:
    return (get_file(run, "log.txt") or b"").decode().splitlines()


def test_a_directory_store_holds_the_log_itself(world: CloudWorld) -> None:
    run = world.new_run()
    with run_log(run) as path:
        assert str(path) == file_location(run, "log.txt")


def test_each_execution_on_any_machine_appends_to_the_log(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, home in enumerate(("laptop", "worker", "laptop")):
        monkeypatch.setenv("HOME", str(tmp_path / home))
        with run_log(run) as path:
            assert path.is_relative_to(tmp_path / home)
            add(path, f"execution {number}")
    assert lines(run) == ["execution 0", "execution 1", "execution 2"]


def test_concurrent_writers_lose_no_log_lines(run: Run, tmp_path: Path) -> None:
    def execute(number: int) -> None:
        path = tmp_path / f"home-{number}" / "log.txt"
        path.parent.mkdir()
        for line in range(5):
            add(path, f"{number} {line}")
            upload_log(run, path)

    threads = [threading.Thread(target=execute, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(lines(run)) == sorted(
        f"{number} {line}" for number in range(3) for line in range(5)
    )


def test_the_log_is_uploaded_during_the_run(run: Run) -> None:
    class Quick(RealClock):
        def pause(self, seconds: float, stop: threading.Event | None) -> bool:
            return super().pause(seconds / 1000, stop)

    with clock.replaced(Quick()), run_log(run) as path:
        add(path, "in the middle")
        deadline = time.monotonic() + HANG_SECONDS
        while not lines(run) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert lines(run) == ["in the middle"]


def test_log_lines_of_a_killed_execution_are_uploaded_later(run: Run) -> None:
    with run_log(run) as path:
        add(path, "before")
    add(path, "killed here")
    with run_log(run) as same:
        assert same == path
        add(path, "after")
    assert lines(run) == ["before", "killed here", "after"]


def test_a_failed_log_upload_does_not_end_the_run(
    world: CloudWorld, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    refuses = RefusedObject("PUT", "log.txt", 99)
    with world.intercepting(refuses), run_log(run) as path:
        add(path, "said in vain")
    assert refuses.fired
    assert f"the log is in {path}" in caplog.text
    with run_log(run):
        pass
    assert lines(run) == ["said in vain"]


def test_a_locally_deleted_log_is_kept_in_the_store(run: Run) -> None:
    with run_log(run) as path:
        add(path, "a rather long first line")
    path.unlink()
    with run_log(run) as path:
        add(path, "anew")
    assert lines(run) == ["a rather long first line", "anew"]
    assert log.UPLOAD_SECONDS <= 60
