"""The run store in a directory: private files and complete writes."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from notebake.errors import RunStoreError
from notebake.runs.open_store import default_location, open_store
from notebake.store.interface import RunStore

KEY = "run-1/run.json"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return open_store(str(tmp_path / "above" / "runs"))


def test_files_and_directories_are_private(store: RunStore) -> None:
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


def test_an_unwritable_location_gives_a_short_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunStoreError, match="could not create"):
        open_store(str(tmp_path / "file")).create(KEY, b"")


def test_an_unlistable_store_is_not_empty(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunStoreError, match="could not list"):
        open_store(str(tmp_path / "file")).list("")


def test_the_default_location_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTEBAKE_RUNS", "/somewhere/else")
    assert default_location() == "/somewhere/else"
    monkeypatch.delenv("NOTEBAKE_RUNS")
    monkeypatch.setenv("HOME", "/home/ada")
    assert default_location() == "/home/ada/.notebake/runs"


def test_a_directory_store_does_not_import_boto3(tmp_path: Path) -> None:
    script = (
        "import sys; from notebake.runs.open_store import open_store;"
        " open_store(sys.argv[1]).list('');"
        " sys.exit('boto3' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, cwd=ROOT)


@pytest.mark.parametrize("location", ["s3://", "s3://UPPER/runs", "s3://bucket//x", "s3://b/a b"])
def test_a_feature_unavailable_on_s3_is_refused_with_a_hint(location: str) -> None:
    with pytest.raises(RunStoreError, match="Not a valid location") as caught:
        open_store(location)
    assert "s3://BUCKET/PREFIX" in caught.value.hint
