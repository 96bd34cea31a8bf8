"""The files of a run: executed notebooks, lock files, the log; private to whoever runs it."""

from pathlib import Path

from notebake.errors import RunStoreError
from notebake.runs.open_store import open_store
from notebake.runs.run import Run

RESERVED = ("run.json", "recipes", "lease.json", "epochs", "parameters", "attempts", "events")
"""What a run keeps for itself."""


def put_file(run: Run, name: str, content: bytes) -> Path | None:
    """Keep a file of the run; return `file_path`."""
    open_store(run.store).write(file_key(run, name), content)
    return file_path(run, name)


def get_file(run: Run, name: str) -> bytes | None:
    """Return what was kept under the name, or None."""
    stored = open_store(run.store).read(file_key(run, name))
    return stored.content if stored else None


def has_file(run: Run, name: str) -> bool:
    """Tell whether something is kept under the name, without reading it."""
    key = file_key(run, name)
    return key in open_store(run.store).list(key)


def file_path(run: Run, name: str) -> Path | None:
    """Return where the file lies, or would lie, on this machine; None for a remote store."""
    return open_store(run.store).local_path(file_key(run, name))


def where(run: Run, name: str) -> str:
    """Return where the file lies, or would lie, for people: a path, or an s3:// name."""
    return open_store(run.store).where(file_key(run, name))


def file_key(run: Run, name: str) -> str:
    """Return the key of a file, which must not be one of those that a run keeps for itself."""
    if name.split("/", 1)[0] in RESERVED:
        raise RunStoreError(f"A file of a run cannot be called {name}.")
    return f"{run.id}/{name}"
