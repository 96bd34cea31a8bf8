"""A new home of our own Prefect server begins with prepared tables, or as Prefect does."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flows.local_prefect import prefect_program
from flows.local_prefect.empty_database import copy_prepared_database, main, prepare, prepared_path
from tests.limits import HANG_SECONDS

PROJECT = Path(__file__).parents[2]
TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"
WITNESS = """
CREATE TABLE migrations_made (version TEXT);
CREATE TRIGGER migrating AFTER UPDATE ON alembic_version
    BEGIN INSERT INTO migrations_made VALUES (new.version_num); END;
"""
STARTED = """
import json, sqlite3, sys
from contextlib import closing
from flows.local_prefect.server import start_server, stop_server
from notebake.local.home import home

sys.prefix = sys.argv[1]
try:
    start_server(stays="stays" in sys.argv)
    with closing(sqlite3.connect(home() / "prefect" / "prefect.db")) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master")]
        blocks = database.execute("SELECT count(*) FROM block_type").fetchone()[0]
    print(json.dumps([sorted(tables), blocks]))
finally:
    stop_server()
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which somebody has told Prefect of a database of his own, in two ways."""
    folder = tmp_path_factory.mktemp("project")
    for package in ("flows", "notebake"):
        (folder / package).symlink_to(PROJECT / package)
    theirs = f"sqlite+aiosqlite:///{folder}/theirs.db"
    (folder / "prefect.toml").write_text(f'[server.database]\nconnection_url = "{theirs}"\n')
    (folder / ".env").write_text(f"PREFECT_SERVER_DATABASE_CONNECTION_URL={theirs}\n")
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Iterator[Path]:
    """The prepared database of an environment of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "prefix", str(tmp_path_factory.mktemp("environment")))
        patch.setattr(prefect_program, "PROJECT", project)
        yield prepare()


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment in which nothing is prepared, where the prepared database would be."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))
    prepared_path().parent.mkdir(parents=True)
    return prepared_path()


def ask(database: Path, query: str) -> list[str | int]:
    with closing(sqlite3.connect(database)) as connection:
        return [value for (value,) in connection.execute(query)]


def start_and_end_server(home: Path, *words: str) -> tuple[list[str], int]:
    """Start our server in a home, end it, and return its tables and how many blocks it knows."""
    variables = {name: it for name, it in os.environ.items() if not name.startswith("PREFECT_")}
    done = subprocess.run(
        [sys.executable, "-c", STARTED, sys.prefix, *words],
        cwd=PROJECT,
        env=variables | {"HOME": str(home), "NOTEBAKE_HOME": str(home / "notebake")},
        capture_output=True,
        text=True,
        check=True,
        timeout=HANG_SECONDS,
    )
    tables, blocks = json.loads(done.stdout.splitlines()[-1])
    return tables, blocks


def test_the_prepared_database_holds_only_tables_and_their_version(made: Path) -> None:
    tables = ask(made, TABLES)
    rows = {name: ask(made, f'SELECT count(*) FROM "{name}"')[0] for name in tables}  # noqa: S608

    assert {"flow_run", "log", "configuration", "block_type"} <= set(rows)
    assert {name: count for name, count in rows.items() if count} == {"alembic_version": 1}
    assert [path.name for path in made.parent.iterdir()] == [made.name]


def test_the_prepared_database_ignores_project_settings(made: Path, project: Path) -> None:
    assert made.exists()
    assert not (project / "theirs.db").exists()


def test_a_new_home_begins_with_the_prepared_tables_and_is_not_migrated(
    made: Path, environment: Path, tmp_path: Path
) -> None:
    environment.write_bytes(made.read_bytes())
    with closing(sqlite3.connect(environment)) as prepared:
        prepared.executescript(WITNESS)

    tables, _ = start_and_end_server(tmp_path)

    database = tmp_path / "notebake" / "prefect" / "prefect.db"
    assert "migrations_made" in tables
    assert ask(database, "SELECT version FROM migrations_made") == []
    assert database.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(database)) as witness:
        witness.execute("UPDATE alembic_version SET version_num = 'later'")
        assert witness.execute("SELECT version FROM migrations_made").fetchall() == [("later",)]


def test_without_a_prepared_database_prefect_migrates_and_a_lasting_server_registers_blocks(
    made: Path, environment: Path, tmp_path: Path
) -> None:
    assert not environment.exists()

    first, blocks_of_a_build = start_and_end_server(tmp_path)
    _, blocks = start_and_end_server(tmp_path, "stays")

    assert set(ask(made, TABLES)) <= set(first)
    assert blocks_of_a_build == 0
    assert blocks > 0


@pytest.mark.parametrize("left", ["prefect.db", "prefect.db-wal", "prefect.db-journal"])
def test_a_home_with_any_database_file_is_not_changed(
    left: str, environment: Path, tmp_path: Path
) -> None:
    environment.write_bytes(b"prepared")
    (tmp_path / left).write_bytes(b"somebody's")

    assert not copy_prepared_database(tmp_path)

    assert (tmp_path / left).read_bytes() == b"somebody's"
    assert [path.name for path in tmp_path.glob("*.db*")] == [left]


def test_a_database_that_appears_during_the_copy_is_not_replaced(
    environment: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    os.mkfifo(environment)

    def disturb() -> None:
        with environment.open("wb") as prepared:
            (home / "prefect.db").write_bytes(b"somebody's")
            prepared.write(b"prepared")

    disturbing = threading.Thread(target=disturb)
    disturbing.start()
    began = copy_prepared_database(home)
    disturbing.join()

    assert not began
    assert [path.name for path in home.iterdir()] == ["prefect.db"]
    assert (home / "prefect.db").read_bytes() == b"somebody's"


def test_a_failed_preparation_is_reported_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    (tmp_path / "share").write_text("in the way")

    assert main() == 1

    assert "first build" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["share"]
