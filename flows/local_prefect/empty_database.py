"""Prefect's empty database, made once with the environment, so that no new home has to migrate.

Prefect's migrations of a new database take many seconds, and every new home would wait for them.
A home gets a copy of the file that `python -m flows.local_prefect.empty_database` leaves in the
environment; Prefect still looks on each start whether the tables are up to date.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from flows.local_prefect.prefect_program import PREFECT, with_project
from notebake.errors import NotebakeError

NAME = "prefect.db"
LONGEST_SECONDS = 300


def prepared_path() -> Path:
    """Return where this environment keeps the file for the Prefect that it has."""
    return Path(sys.prefix, "share", "notebake", f"prefect-{version('prefect')}.db")


def begin_with_tables(home: Path) -> bool:
    """Put a copy of the prepared database into a home of Prefect's that has none.

    Never replaces a database, nor adds one to what is left of another: SQLite would play an old
    journal into it. Where it cannot be done Prefect migrates by itself.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(home.glob(f"{NAME}*")):
        return False
    descriptor, name = tempfile.mkstemp(dir=home, prefix="new-", suffix=".db")
    new = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as copy, prepared_path().open("rb") as prepared:
            shutil.copyfileobj(prepared, copy)
        # Unlike a rename, a link fails where somebody else has put a database meanwhile.
        (home / NAME).hardlink_to(new)
    except OSError:
        return False
    finally:
        new.unlink()
    return True


def prepare() -> Path:
    """Make the prepared database by Prefect's own migrations, whole or not at all.

    Raises:
        NotebakeError: Prefect could not; the end of what it said is in the message.
    """
    path = prepared_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as name:
        migrate(Path(name))
        made = Path(name) / NAME
        # The journal goes into the file, and whoever reads that later makes no new one beside it.
        with closing(sqlite3.connect(made)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
        made.replace(path)
    return path


def migrate(home: Path) -> None:
    """Let Prefect make its database in an empty home, and know no other settings.

    It is started in that home, too: in the project somebody's prefect.toml may name a database.
    """
    inherited = {name: it for name, it in os.environ.items() if not name.startswith("PREFECT_")}
    own = {"DO_NOT_TRACK": "1", "HOME": str(home), "PREFECT_HOME": str(home)}
    done = subprocess.run(
        [*PREFECT, "server", "database", "upgrade", "-y"],
        env=with_project(inherited) | own,
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=LONGEST_SECONDS,
    )
    if done.returncode != 0 or not (home / NAME).exists():
        tail = "\n".join(done.stdout.splitlines()[-5:])
        raise NotebakeError(f"Prefect could not make an empty database:\n{tail}")


def main() -> int:
    """Prepare the database; 1 where that fails, after saying why, and what it means."""
    try:
        prepare()
    except (NotebakeError, OSError, sqlite3.Error, subprocess.SubprocessError) as error:
        sys.stderr.write(f"{error}\nThe first build of a user will make it, and take longer.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
