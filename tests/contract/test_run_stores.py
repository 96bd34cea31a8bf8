"""The contract of every run store, in a directory or on S3."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from notebake import clock
from notebake.errors import RunStoreError
from notebake.runs.open_store import open_store
from notebake.store.interface import RunStore
from tests.store_world import LOCATION, world_with_bucket

KEY = "run-1/run.json"


@pytest.fixture(params=["directory", "S3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunStore]:
    with ExitStack() as stack:
        if request.param == "S3":
            stack.enter_context(world_with_bucket(tmp_path))
        yield open_store(LOCATION if request.param == "S3" else str(tmp_path / "above" / "runs"))


def content_of(store: RunStore, key: str) -> bytes | None:
    stored = store.read(key)
    return stored.content if stored else None


def test_a_store_is_opened_again_by_its_location(store: RunStore) -> None:
    store.write(KEY, b"one")
    assert content_of(open_store(store.location), KEY) == b"one"
    assert open_store(f"{store.location}/").location == store.location


def test_a_key_that_was_never_written_reads_as_none(store: RunStore) -> None:
    assert store.read(KEY) is None
    assert store.list("") == []
    assert store.read_all([KEY]) == []
    assert store.list_top_level() == ()
    store.delete(KEY)


def test_create_keeps_the_first_content(store: RunStore) -> None:
    assert store.create(KEY, b"first")
    assert not store.create(KEY, b"first"), "the same content is still another write"
    assert not store.create(KEY, b"second")
    assert content_of(store, KEY) == b"first"


def test_replace_refuses_an_outdated_version(store: RunStore) -> None:
    store.write(KEY, b"one")
    seen = store.read(KEY)
    assert seen is not None
    assert store.replace(KEY, b"two", version=seen.version)
    assert not store.replace(KEY, b"three", version=seen.version)
    assert content_of(store, KEY) == b"two"


def test_replace_never_creates(store: RunStore) -> None:
    store.write(KEY, b"content")
    seen = store.read(KEY)
    assert seen is not None
    store.delete(KEY)
    assert not store.replace(KEY, b"content", version=seen.version)
    assert store.read(KEY) is None


def test_of_concurrent_writers_one_creates_and_one_replaces(store: RunStore) -> None:
    won: dict[str, list[int]] = {"created": [], "replaced": []}
    start = threading.Barrier(8)

    def write(number: int) -> None:
        start.wait()
        if store.create(KEY, b"first"):
            won["created"].append(number)
        seen = store.read(KEY)
        start.wait()
        if seen and store.replace(KEY, str(number).encode(), version=seen.version):
            won["replaced"].append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won["created"]) == 1
    assert len(won["replaced"]) == 1
    assert content_of(store, KEY) == str(won["replaced"][0]).encode()


def test_list_returns_the_sorted_keys_below_the_prefix(store: RunStore) -> None:
    for key in ("run-2/run.json", "run-1/keys/builder", "run-1/run.json"):
        store.write(key, key.encode())
    assert store.list("run-1/") == ["run-1/keys/builder", "run-1/run.json"]
    assert store.list("run-1/k") == ["run-1/keys/builder"]
    assert len(store.list("")) == 3
    assert store.list_top_level() == ("run-1", "run-2")
    assert store.list_top_level("run-1/") == ("keys",)
    assert store.list_top_level("run-9/") == ()
    read = store.read_all(["run-2/run.json", "run-9/run.json", "run-1/run.json"])
    assert [record.content for record in read] == [b"run-2/run.json", b"run-1/run.json"]


def test_a_deleted_key_is_gone_and_can_be_created_again(store: RunStore) -> None:
    store.write(KEY, b"one")
    store.delete(KEY)
    assert store.read(KEY) is None
    assert store.create(KEY, b"two")


def test_a_stored_file_has_a_location(store: RunStore) -> None:
    assert store.where(KEY) == f"{store.location}/{KEY}"


def test_a_store_reports_its_time(store: RunStore) -> None:
    assert abs(store.clock() - clock.now()) < 2


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".lock", "a/.new-1", "a\n", "a b"]
)
def test_a_key_cannot_point_outside_the_store(store: RunStore, key: str) -> None:
    with pytest.raises(RunStoreError):
        store.write(key, b"")
    with pytest.raises(RunStoreError):
        store.read(key)
    with pytest.raises(RunStoreError):
        store.list(f"{key}/../")
