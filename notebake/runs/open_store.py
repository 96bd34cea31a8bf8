"""Opens the run store at a location: a directory, or S3."""

import os
from pathlib import Path

from notebake.local.home import home
from notebake.store.directory import DirectoryStore
from notebake.store.interface import RunStore, is_remote


def open_store(location: str) -> RunStore:
    """Return the store at a directory, or at `s3://bucket/prefix`.

    Raises:
        RunStoreError: no place on S3 can be called so.
    """
    if is_remote(location):
        # A directory does without boto3, which takes a while to import.
        from notebake.aws.s3_store import s3_store

        return s3_store(location)
    return DirectoryStore(Path(location).expanduser().absolute())


def default_location() -> str:
    """Return $NOTEBAKE_RUNS, or the directory in the home of notebake.

    Raises:
        HomeError: there is no such home.
    """
    return os.environ.get("NOTEBAKE_RUNS") or str(home() / "runs")
