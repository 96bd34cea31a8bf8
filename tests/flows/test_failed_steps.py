"""A step that fails while the run store fails as well: its own error comes first."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.step_task import as_task
from notebake.errors import NotebookError, RunStoreError
from notebake.record import Record
from notebake.runbook.step import Step
from notebake.runs.events import list_events
from notebake.runs.open_store import open_store
from notebake.runs.registry import new_run
from notebake.runs.run import Run
from tests.cloud_world import RECIPE, CloudWorld
from tests.store_world import LOCATION, RefusedObject, world_with_bucket


@pytest.fixture
def world(tmp_path: Path) -> Iterator[CloudWorld]:
    with world_with_bucket(tmp_path) as opened:
        yield opened


@pytest.fixture
def run(world: CloudWorld) -> Run:
    del world
    return new_run(RECIPE, "ocean.yaml", open_store(LOCATION))


def failing(error: Exception) -> Step:
    def make(_: Run) -> Record:
        raise error

    return Step("run_notebook", "Run the notebook", lambda _: None, make)


def test_the_error_of_the_step_is_recorded(run: Run) -> None:
    with pytest.raises(NotebookError, match="cell 3"):
        as_task(failing(NotebookError("cell 3"))).fn(run)

    (event,) = list_events(run)
    assert (event.happening, event.detail) == ("failed", {"message": "cell 3"})


def test_a_store_that_fails_as_well_does_not_hide_the_error_of_the_step(
    world: CloudWorld, run: Run
) -> None:
    with world.intercepting(RefusedObject("PUT", "/record/", times=99)) as refuses:
        with pytest.raises(NotebookError) as caught:
            as_task(failing(NotebookError("cell 3"))).fn(run)
        assert refuses.fired

    first, *rest = caught.value.message.splitlines()
    assert first == "cell 3"
    assert "That could not be recorded either: Tried to" in "\n".join(rest)


def test_a_failing_store_is_named_once(world: CloudWorld, run: Run) -> None:
    with world.intercepting(RefusedObject("PUT", "/record/", times=99)) as refuses:
        with pytest.raises(RunStoreError) as caught:
            as_task(failing(RunStoreError("Tried to write; it failed."))).fn(run)
        assert refuses.fired

    assert caught.value.message.startswith("Tried to write; it failed.")
