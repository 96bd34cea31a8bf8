"""What is recorded of an execution whose store fails, and how long that may take."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from notebake import clock
from notebake.errors import NotebakeError, RunStoreError
from notebake.ledger.kinds import ENDED
from notebake.runs.executing import executing
from notebake.runs.open_store import open_store
from notebake.runs.registry import new_run
from notebake.runs.run import Run
from notebake.runs.run_record import run_record
from tests.cloud_world import RECIPE, CloudWorld
from tests.quick_clock import QuickClock
from tests.store_world import LOCATION, world_with_bucket

log = logging.getLogger(__name__)
WAITED = "the store has been waited for"
RETRYING = "AWS does not answer PutObject: retrying"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[CloudWorld]:
    with world_with_bucket(tmp_path) as opened, clock.replaced(QuickClock(60)):
        yield opened


@pytest.fixture
def run(world: CloudWorld) -> Run:
    del world
    return new_run(RECIPE, "ocean.yaml", open_store(LOCATION))


@contextmanager
def losing_its_store(world: CloudWorld, run: Run) -> Iterator[None]:
    """Execute a run until its store answers no more, and has been waited for."""
    with executing(run):
        world.sandbox.fail("lose_before", service="s3")
        try:
            open_store(run.store).write(f"{run.id}/note", b"1")
        finally:
            log.info(WAITED)
        yield


@contextmanager
def failing_in_an_outage(world: CloudWorld, run: Run) -> Iterator[str]:
    """Execute a run that fails for another reason while its store is out of reach."""
    with executing(run):
        yield world.sandbox.fail("lose_before", service="s3", times=8)
        raise NotebakeError("The machine is gone.")


def test_the_end_waits_for_no_store_that_was_waited_for(
    world: CloudWorld, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    with pytest.raises(RunStoreError, match="no answer from AWS"), losing_its_store(world, run):
        pass

    before, _, afterwards = caplog.text.partition(WAITED)
    assert RETRYING in before
    assert RETRYING not in afterwards
    assert f"The end of this execution of {run.id} is not recorded" in afterwards


def test_the_end_is_recorded_after_an_outage_of_the_store(world: CloudWorld, run: Run) -> None:
    with pytest.raises(NotebakeError, match="machine"), failing_in_an_outage(world, run) as lost:
        pass

    assert world.sandbox.fired(lost) == 8
    (ended,) = [entry for entry in run_record(run).chain.entries() if entry.kind == ENDED]
    assert ended.body["message"] == "The machine is gone."
