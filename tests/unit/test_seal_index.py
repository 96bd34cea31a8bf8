"""The index of sealed runs: with it, without it, and with a wrong one, a list is the same."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from notebake.ledger.chain import RecordPlace
from notebake.local.home import home
from notebake.recipe import Recipe
from notebake.runs.history import list_rows
from notebake.runs.run_record import record_place
from notebake.store.directory import DirectoryStore
from tests import recorded_runs as runs
from tests.recorded_runs import write, write_sealed

FIRST, SECOND, THIRD = "ocean-1", "ocean-2", "tide-3"


@pytest.fixture
def location(tmp_path: Path) -> str:
    return str(tmp_path / "runs")


@pytest.fixture
def place(location: str) -> RecordPlace:
    place = record_place(location)
    write_sealed(place, FIRST)
    write_sealed(place, SECOND)
    return place


def index_path() -> Path:
    (path,) = (home() / "cache").glob("history-*.sqlite")
    return path


def without_index(location: str) -> object:
    shutil.rmtree(home() / "cache", ignore_errors=True)
    return list_rows(location)


def change(statement: str) -> Callable[[], None]:
    def work() -> None:
        with sqlite3.connect(index_path()) as database:
            database.execute(statement)
        database.close()

    return work


def overwrite(content: bytes) -> Callable[[], None]:
    def work() -> None:
        index_path().write_bytes(content)

    return work


def cut() -> None:
    path = index_path()
    path.write_bytes(path.read_bytes()[:3000])


def replace_by_a_folder() -> None:
    path = index_path()
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "damage",
    [
        lambda: None,
        change("UPDATE rows SET row = replace(row, 'accepted', 'failed')"),
        change("UPDATE rows SET row = 'not JSON'"),
        change("DELETE FROM rows WHERE seal LIKE '%ocean-1%'"),
        change("UPDATE rows SET seal = '_seals/ocean-9/00000001.json' WHERE seal LIKE '%ocean-1%'"),
        change("DROP TABLE rows"),
        change("ALTER TABLE rows RENAME COLUMN checksum TO other"),
        overwrite(b""),
        overwrite(b"not a database" * 1000),
        cut,
        replace_by_a_folder,
    ],
    ids=["nothing", "a row", "no JSON", "a lost row", "a moved row", "no table", "other columns",
         "empty", "no database", "cut", "a folder"],
)  # fmt: skip
@pytest.mark.usefixtures("place")
def test_a_list_is_the_same_whatever_the_index_holds(
    location: str, damage: Callable[[], None]
) -> None:
    expected = without_index(location)
    assert list_rows(location) == expected

    damage()

    assert list_rows(location) == expected
    assert list_rows(location) == expected, "after the index was made again"


def test_a_stale_index_notices_new_seals_and_reopened_runs(
    location: str, place: RecordPlace
) -> None:
    list_rows(location)

    write_sealed(place, THIRD, Recipe(name="tide"))
    write(place, [runs.executing()], FIRST, execution="e-2")

    rows, _ = list_rows(location)
    assert {row.run_id: row.is_sealed for row in rows} == {FIRST: False, SECOND: True, THIRD: True}
    assert list_rows(location) == without_index(location)


@pytest.mark.usefixtures("place")
def test_with_the_index_no_seal_is_read(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    list_rows(location)
    read: list[str] = []
    to_store = DirectoryStore.read

    def watch(store: DirectoryStore, key: str) -> object:
        read.append(key)
        return to_store(store, key)

    monkeypatch.setattr(DirectoryStore, "read", watch)
    assert len(list_rows(location)[0]) == 2

    assert [key for key in read if "_seals" in key or key.startswith("record/ocean")] == []


@pytest.mark.usefixtures("place")
def test_two_stores_have_two_indexes(location: str, tmp_path: Path) -> None:
    other = str(tmp_path / "others")
    write_sealed(record_place(other), THIRD)

    assert [row.run_id for row in list_rows(location)[0]] == [FIRST, SECOND]
    assert [row.run_id for row in list_rows(other)[0]] == [THIRD]


@pytest.mark.usefixtures("place")
def test_without_a_home_there_is_a_list(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = list_rows(location)
    monkeypatch.setenv("NOTEBAKE_HOME", "/proc/nothing/can/be/written/here")

    assert list_rows(location) == expected


def test_an_unreadable_seal_is_listed_with_its_reason(location: str, place: RecordPlace) -> None:
    (key,) = place.store.list(f"record/_seals/{FIRST}/")
    place.store.write(key, b"not JSON")

    rows, _ = list_rows(location)
    assert {row.run_id: bool(row.error) for row in rows} == {FIRST: True, SECOND: False}
