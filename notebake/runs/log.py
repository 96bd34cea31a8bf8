"""The log of a run: a file of this machine while it is written, kept in the run store for all."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from notebake import clock
from notebake.errors import RunStoreError
from notebake.local.atomic_files import locked, write_file
from notebake.local.home import home
from notebake.runs.files import file_key, file_path, where
from notebake.runs.open_store import open_store
from notebake.runs.run import Run

log = logging.getLogger(__name__)
FILE = "log.txt"
HAND_OVER_SECONDS = 30


@contextmanager
def kept_log(run: Run) -> Iterator[Path]:
    """Give the file to which this execution adds its log, and have it kept in the run store.

    Where the store is remote the file lies in the home, and what is new in it is added to the log
    in the store while the block runs and when it ends. What an execution that was killed could not
    hand over is handed over by the next one on this machine.
    """
    in_store = file_path(run, FILE)
    if in_store is not None:
        yield in_store
        return
    path, stop = home() / "logs" / f"{run.id}.txt", threading.Event()
    _hand_over_if_possible(run, path)
    thread = threading.Thread(target=_keep_handing_over, args=(run, path, stop), daemon=True)
    thread.start()
    try:
        yield path
    finally:
        stop.set()
        thread.join()
        _hand_over_if_possible(run, path)


def hand_over(run: Run, path: Path) -> None:
    """Add to the log in the store what has been added to the file since the last time.

    Raises:
        RunStoreError: the store did not take it; it stays to be handed over.
    """
    handed = path.with_suffix(".handed")
    with locked(path.parent):
        if not path.exists():
            return
        done = int(handed.read_bytes()) if handed.exists() else 0
        with path.open("rb") as file:
            file.seek(done if done <= path.stat().st_size else 0)
            fresh = file.read()
            done = file.tell()
        if fresh:
            _append(run, fresh)
            # Killed before this, the next one hands the same over again: better twice than never.
            write_file(handed, str(done).encode())


def _append(run: Run, fresh: bytes) -> None:
    """Add to the log in the store, to which other machines may be adding as well."""
    store, key = open_store(run.store), file_key(run, FILE)
    while True:
        kept = store.read(key)
        if kept is None and store.create(key, fresh):
            return
        if kept and store.replace(key, kept.content + fresh, version=kept.version):
            return


def _keep_handing_over(run: Run, path: Path, stop: threading.Event) -> None:
    while not clock.pause(HAND_OVER_SECONDS, stop):
        _hand_over_if_possible(run, path)


def _hand_over_if_possible(run: Run, path: Path) -> None:
    """Hand over; that it is not possible at present ends no run."""
    try:
        hand_over(run, path)
    except (RunStoreError, OSError) as error:
        said = error.message if isinstance(error, RunStoreError) else str(error)
        log.warning("%s could not be written; the log lies in %s: %s", where(run, FILE), path, said)
