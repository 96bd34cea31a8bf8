"""The files of a run: executed notebooks, lock files, the log; only the user may read them."""

from pathlib import Path

from notebake.errors import RunStoreError
from notebake.ledger.entry import hash_of
from notebake.ledger.kinds import FILE
from notebake.ledger.recording import record
from notebake.runs.open_store import open_store
from notebake.runs.run import Run

RESERVED = ("run.json", "recipes", "lease.json", "epochs", "parameters", "attempts", "events")
"""Names that a run uses for its own records."""


def put_file(run: Run, name: str, content: bytes) -> Path | None:
    """Store a file of the run; return `file_path`."""
    open_store(run.store).write(file_key(run, name), content)
    record(FILE, {"name": name, "size": len(content), "sha256": hash_of(content)})
    return file_path(run, name)


def get_file(run: Run, name: str) -> bytes | None:
    """Return the stored content, or None."""
    stored = open_store(run.store).read(file_key(run, name))
    return stored.content if stored else None


def has_file(run: Run, name: str) -> bool:
    """Return whether the file is stored, without reading it."""
    key = file_key(run, name)
    return key in open_store(run.store).list(key)


def file_path(run: Run, name: str) -> Path | None:
    """Return the path of the file on this machine, stored or not; None for a remote store."""
    return open_store(run.store).local_path(file_key(run, name))


def file_location(run: Run, name: str) -> str:
    """Return the location of the file for people, stored or not: a path or an s3:// name."""
    return open_store(run.store).where(file_key(run, name))


def file_key(run: Run, name: str) -> str:
    """Return the key of a file, whose name must not be a reserved one."""
    if name.split("/", 1)[0] in RESERVED:
        raise RunStoreError(f"A file of a run must not be named {name}: the run itself uses it.")
    return f"{run.id}/{name}"
