"""The run store: if it is a bucket, it supports the operations of a run."""

from collections.abc import Iterable

from notebake.errors import CloudError, RunStoreError
from notebake.preflight.finding import Finding, good, not_checked, wrong
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from notebake.store.interface import is_remote

PROBE = "preflight"


def check_run_store(run: Run) -> Iterable[Finding]:
    """Create a key, fail to create it again, change it, and delete it.

    A directory is not checked: a run has already written to it, and a plan writes nothing.
    """
    if not is_remote(run.store):
        return
    store, key = open_store(run.store), f"{run.id}/{PROBE}"
    try:
        store.delete(key)  # left by a check that was killed
        store.create(key, b"made")
        made_again = store.create(key, b"made again")
        stored = store.read(key)
        changed = stored is not None and store.replace(key, b"changed", version=stored.version)
        changed_again = stored is not None and store.replace(key, b"lost", version=stored.version)
        store.delete(key)
    except RunStoreError as error:
        cause = error.__cause__
        if isinstance(cause, CloudError) and cause.is_transient:
            yield not_checked(error.message, error.hint)
        else:
            yield wrong(f"The run store cannot be used. {error.message}", error.hint)
        return
    if made_again or changed_again or not changed:
        yield wrong(
            f"{run.store} ignores the conditions of writes: two runs would overwrite each other."
        )
    else:
        yield good(f"The run store {run.store} supports conditional writes, and deletion.")
