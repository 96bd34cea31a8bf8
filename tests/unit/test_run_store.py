import stat
import threading
from pathlib import Path

import pytest

from notebake.errors import RunStoreError
from notebake.run_store import RunStore, default_location, open_store

KEY = "run-1/run.json"


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return open_store(str(tmp_path / "above" / "runs"))


def test_what_was_never_written_is_none(store: RunStore) -> None:
    assert store.read(KEY) is None
    assert store.list("") == []
    store.delete(KEY)


def test_create_keeps_what_came_first(store: RunStore) -> None:
    assert store.create(KEY, b"first")
    assert not store.create(KEY, b"second")
    stored = store.read(KEY)
    assert stored is not None
    assert stored.content == b"first"


def test_replace_refuses_a_version_that_is_gone(store: RunStore) -> None:
    store.write(KEY, b"one")
    seen = store.read(KEY)
    assert seen is not None
    assert store.replace(KEY, b"two", version=seen.version)
    assert not store.replace(KEY, b"three", version=seen.version)
    stored = store.read(KEY)
    assert stored is not None
    assert stored.content == b"two"


def test_replace_never_creates(store: RunStore) -> None:
    assert not store.replace(KEY, b"content", version="any")
    assert store.read(KEY) is None


def test_of_many_writers_exactly_one_creates_and_one_replaces(store: RunStore) -> None:
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


def test_list_gives_sorted_keys_below_the_prefix_and_nothing_of_its_own(store: RunStore) -> None:
    for key in ("run-2/run.json", "run-1/keys/builder", "run-1/run.json"):
        store.write(key, b"")
    assert store.list("run-1/") == ["run-1/keys/builder", "run-1/run.json"]
    assert store.list("run-1/k") == ["run-1/keys/builder"]
    assert len(store.list("")) == 3


def test_deleted_is_gone_and_may_be_created_again(store: RunStore) -> None:
    store.write(KEY, b"one")
    store.delete(KEY)
    assert store.read(KEY) is None
    assert store.create(KEY, b"two")


def test_nobody_else_may_read_files_or_enter_directories(store: RunStore) -> None:
    store.write("run-1/keys/builder", b"private")
    assert store.create("run-1/keys/second", b"private")
    root = Path(store.location)
    made = [root.parent, root, *root.rglob("*")]
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made}
    assert {modes[name] for name in ("above", "runs", "run-1", "keys")} == {0o700}
    assert {modes[name] for name in ("builder", "second", ".lock")} == {0o600}


def test_nothing_temporary_is_left(store: RunStore) -> None:
    store.create(KEY, b"one")
    store.create(KEY, b"two")
    store.write(KEY, b"three")
    assert not list(Path(store.location).rglob(".new-*"))


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".lock", "a/.new-1", "a\n", "a b"]
)
def test_a_key_cannot_leave_the_store(store: RunStore, key: str) -> None:
    with pytest.raises(RunStoreError):
        store.write(key, b"")
    with pytest.raises(RunStoreError):
        store.read(key)


def test_a_place_that_cannot_be_written_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunStoreError, match="could not create"):
        open_store(str(tmp_path / "file")).create(KEY, b"")


def test_what_cannot_be_listed_does_not_pass_for_empty(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunStoreError, match="could not list"):
        open_store(str(tmp_path / "file")).list("")


def test_the_default_location_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTEBAKE_RUNS", "/somewhere/else")
    assert default_location() == "/somewhere/else"
    monkeypatch.delenv("NOTEBAKE_RUNS")
    monkeypatch.setenv("HOME", "/home/ada")
    assert default_location() == "/home/ada/.notebake/runs"


def test_s3_is_refused_with_a_way_out() -> None:
    with pytest.raises(RunStoreError, match="not supported yet") as caught:
        open_store("s3://bucket/prefix")
    assert caught.value.hint
