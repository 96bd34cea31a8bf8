"""Rows of sealed runs in a run store on S3: another machine reads no seal, and none must write."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from notebake.local.home import home
from notebake.runs import shared_rows
from notebake.runs.history import list_rows
from notebake.runs.open_store import open_store
from notebake.runs.run_record import record_place
from notebake.runs.seal_index import SINGLY
from notebake.runs.sealed_claims import read_claims
from tests.cloud_world import CloudWorld
from tests.recorded_runs import write_sealed
from tests.sealed_store import begin
from tests.store_world import LOCATION, RefusedObject, requests_in, world_with_bucket

RUNS = [f"ocean-{number:02}" for number in range(SINGLY + 2)]


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[CloudWorld]:
    with world_with_bucket(tmp_path) as world:
        for run_id in RUNS:
            begin(LOCATION, run_id)
            write_sealed(record_place(LOCATION), run_id)
        yield world


def forget() -> None:
    """Let this machine know no rows, as another one."""
    shutil.rmtree(home() / "cache", ignore_errors=True)


def test_another_machine_reads_one_object_for_all_seals(bucket: CloudWorld) -> None:
    wanted = (list_rows(LOCATION), read_claims(LOCATION))
    forget()

    with requests_in(bucket) as found:
        assert (list_rows(LOCATION), read_claims(LOCATION)) == wanted

    assert len(wanted[1]) == len(RUNS)
    assert found["GetObject"] == 2, "an object for each kind of rows"
    assert found["PutObject"] == 0


@pytest.mark.usefixtures("bucket")
def test_rows_are_added_when_the_oldest_object_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_rows, "ROWS_IN_OBJECT", 2)
    store = open_store(LOCATION)
    rows = shared_rows.SharedRows(store, "tests", 1)
    rows.add({f"seal-{number}": "{}" for number in range(4)})
    oldest, _ = store.list("summaries/tests-1/")
    store.delete(oldest)

    rows.add({"seal-4": "{}"})

    assert sorted(rows.read()) == ["seal-2", "seal-3", "seal-4"]


def test_whoever_may_not_write_has_the_same_answer(bucket: CloudWorld) -> None:
    with bucket.intercepting(RefusedObject("PUT", "summaries", times=99)) as refused:
        denied = (list_rows(LOCATION), read_claims(LOCATION))
    assert refused.fired == 2
    assert open_store(LOCATION).list("summaries/") == []
    forget()

    assert (list_rows(LOCATION), read_claims(LOCATION)) == denied
    assert len(open_store(LOCATION).list("summaries/")) == 2
