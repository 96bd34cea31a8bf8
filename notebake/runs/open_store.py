"""Opens the run store at a location: a directory or S3."""

import os
from pathlib import Path

from notebake.local.home import home
from notebake.store.directory import DirectoryStore
from notebake.store.interface import RunStore, is_remote


def open_store(location: str) -> RunStore:
    """Return the run store in a directory or at `s3://bucket/prefix`.

    Raises:
        RunStoreError: the location is no valid S3 location.
    """
    if is_remote(location):
        # Imported here, as boto3 is slow to import and a directory does not need it.
        from notebake.aws.s3_store import s3_store

        return s3_store(location)
    return DirectoryStore(Path(location).expanduser().absolute())


def default_location() -> str:
    """Return $NOTEBAKE_RUNS, or the directory `runs` in notebake's home.

    Raises:
        HomeError: the home cannot be determined.
    """
    return os.environ.get("NOTEBAKE_RUNS") or str(home() / "runs")
