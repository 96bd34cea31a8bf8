"""Prefect's empty database, made once per Python environment and copied to each new home.

Without the copy, each new home would wait many seconds for Prefect's migrations. The command
`python -m flows.local_prefect.empty_database` makes the file in the environment. At each start
Prefect still checks whether the tables are up to date.
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
MIGRATION_SECONDS = 300


def prepared_path() -> Path:
    """Return the path of the prepared file for the installed version of Prefect."""
    return Path(sys.prefix, "share", "notebake", f"prefect-{version('prefect')}.db")


def copy_prepared_database(home: Path) -> bool:
    """Copy the prepared database into a Prefect home; return whether that was done.

    A home that has a database, or a file of one, is left as it is: SQLite would replay an old
    journal into the copy. Without the copy Prefect migrates by itself.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(home.glob(f"{NAME}*")):
        return False
    descriptor, name = tempfile.mkstemp(dir=home, prefix="new-", suffix=".db")
    new = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as copy, prepared_path().open("rb") as prepared:
            shutil.copyfileobj(prepared, copy)
        # Unlike a rename, a link fails if another process has created a database meanwhile.
        (home / NAME).hardlink_to(new)
    except OSError:
        return False
    finally:
        new.unlink()
    return True


def prepare() -> Path:
    """Make the prepared database with Prefect's own migrations, atomically.

    Raises:
        NotebakeError: Prefect failed; the message has the end of its output.
    """
    path = prepared_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as name:
        migrate(Path(name))
        database = Path(name) / NAME
        # This merges the journal into the file, and later readers create no new journal.
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
        database.replace(path)
    return path


def migrate(home: Path) -> None:
    """Let Prefect make its database in an empty home, with no other settings.

    The home is its working directory, too: a prefect.toml in the project may name a database.
    """
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("PREFECT_")}
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
        timeout=MIGRATION_SECONDS,
    )
    if done.returncode != 0 or not (home / NAME).exists():
        tail = "\n".join(done.stdout.splitlines()[-5:])
        raise NotebakeError(f"Prefect could not make an empty database:\n{tail}")


def main() -> int:
    """Prepare the database; after a failure print the reason and return 1."""
    try:
        prepare()
    except (NotebakeError, OSError, sqlite3.Error, subprocess.SubprocessError) as error:
        sys.stderr.write(f"{error}\nEach user's first build will make it, and take longer.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
