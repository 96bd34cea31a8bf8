"""The log of a run: written to a file of this machine, and stored in the run store."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from notebake import clock
from notebake.errors import RunStoreError
from notebake.local.atomic_files import locked, write_file
from notebake.local.home import home
from notebake.runs.files import file_key, file_location, file_path
from notebake.runs.open_store import open_store
from notebake.runs.run import Run

log = logging.getLogger(__name__)
FILE = "log.txt"
UPLOAD_SECONDS = 30


@contextmanager
def run_log(run: Run) -> Iterator[Path]:
    """Give the file to which this execution appends its log.

    If the run store is remote, the file is in notebake's home. Its new content is appended to the
    log in the store while the block runs and when it ends. What a killed execution did not upload
    is uploaded by the next execution on this machine.
    """
    in_store = file_path(run, FILE)
    if in_store is not None:
        yield in_store
        return
    path, stop = home() / "logs" / f"{run.id}.txt", threading.Event()
    _try_upload(run, path)
    thread = threading.Thread(target=_upload_periodically, args=(run, path, stop), daemon=True)
    thread.start()
    try:
        yield path
    finally:
        stop.set()
        thread.join()
        _try_upload(run, path)


def upload_log(run: Run, path: Path) -> None:
    """Append the file's new content to the log in the run store.

    Raises:
        RunStoreError: the store failed; the next call uploads the same content.
    """
    position_path = path.with_suffix(".handed")
    with locked(path.parent):
        if not path.exists():
            return
        position = int(position_path.read_bytes()) if position_path.exists() else 0
        with path.open("rb") as file:
            file.seek(position if position <= path.stat().st_size else 0)
            fresh = file.read()
            position = file.tell()
        if fresh:
            _append(run, fresh)
            # If it is killed here, the next upload repeats this content: better twice than never.
            write_file(position_path, str(position).encode())


def _append(run: Run, fresh: bytes) -> None:
    """Append to the log in the store, which other machines may be appending to as well."""
    store, key = open_store(run.store), file_key(run, FILE)
    while True:
        stored = store.read(key)
        if stored is None and store.create(key, fresh):
            return
        if stored and store.replace(key, stored.content + fresh, version=stored.version):
            return


def _upload_periodically(run: Run, path: Path, stop: threading.Event) -> None:
    while not clock.pause(UPLOAD_SECONDS, stop):
        _try_upload(run, path)


def _try_upload(run: Run, path: Path) -> None:
    """Upload the log; a failure is logged and does not end the run."""
    try:
        upload_log(run, path)
    except (RunStoreError, OSError) as error:
        reason = error.message if isinstance(error, RunStoreError) else str(error)
        location = file_location(run, FILE)
        log.warning("Could not write %s; the log is in %s: %s", location, path, reason)
