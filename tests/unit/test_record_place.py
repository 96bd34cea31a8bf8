"""Where the record of a run store is kept, and what happens if somebody points elsewhere."""

import shutil
from pathlib import Path

import pytest

from flows.cli.main import main
from notebake.runs import run_record
from notebake.runs.run_record import record_place
from tests.recorded_runs import write_sealed

OCEAN, TIDE = "ocean-20261101-120000-0001", "tide-20261102-120000-0002"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of a run store without a record, and a home of its own."""
    monkeypatch.setenv("COLUMNS", "1000")
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path / "home"))
    return tmp_path / "runs"


def fill(store: Path, *, record: Path | None = None) -> None:
    """Write two sealed runs into the record, in a place of its own if one is named."""
    with pytest.MonkeyPatch.context() as environment:
        if record:
            environment.setenv("NOTEBAKE_RECORD", str(record))
        for run in (OCEAN, TIDE):
            write_sealed(record_place(str(store)), run)


def run(store: Path, *words: str) -> int:
    """Run a command on the store as another process does: it looks for the record anew."""
    run_record._named_place.cache_clear()
    return main(["--store", str(store), *words])


def test_a_file_that_points_elsewhere_does_not_hide_the_entries_that_are_there(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(store)
    assert run(store, "history", "seal") == 0
    place = store / "record" / "place"
    place.write_text(str(tmp_path / "elsewhere"), encoding="utf-8")
    capsys.readouterr()

    assert run(store, "history", "verify") == 5
    said = capsys.readouterr().err
    assert f"{place} names {tmp_path / 'elsewhere'}" in said
    assert f"{store / 'record'} has entries" in said
    assert run(store, "history", "list") == 1
    assert run(store, "history", "seal") == 1
    assert not (tmp_path / "elsewhere").exists()

    place.unlink()
    assert run(store, "history", "verify") == 0


def test_a_record_in_a_place_of_its_own_is_found_without_the_variable(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(store, record=tmp_path / "ledgers")

    assert run(store, "history", "seal") == 0
    assert run(store, "history", "verify") == 0
    assert "Runs: 2 intact." in capsys.readouterr().out
    assert [path.name for path in (store / "record").iterdir()] == ["place"]


def test_a_place_of_its_own_may_be_the_usual_one(store: Path) -> None:
    fill(store, record=store / "record")

    assert run(store, "history", "seal") == 0
    assert run(store, "history", "verify") == 0


def test_a_record_that_is_not_found_any_more_is_missed_where_it_was_seen(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(store, record=tmp_path / "ledgers")
    assert run(store, "history", "seal") == 0
    (store / "record" / "place").unlink()

    assert run(store, "history", "verify") == 3
    assert "a later one was seen before" in capsys.readouterr().out
    assert run(store, "history", "seal") == 1
    said = capsys.readouterr().err
    assert f"seen checkpoints with 3 leaves of the runs in {store}, and only 0 are in" in said
    assert not [*store.glob("record/*")]


def test_a_record_that_was_begun_anew_elsewhere_is_missed_where_it_was_seen(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(store)
    assert run(store, "history", "seal") == 0
    shutil.rmtree(store / "record")
    run_record._named_place.cache_clear()
    fill(store, record=tmp_path / "elsewhere")

    assert run(store, "history", "verify") == 3
    assert "a later one was seen before" in capsys.readouterr().out
