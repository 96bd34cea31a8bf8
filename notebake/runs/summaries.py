"""Summaries of runs: what each created, who executes it, and when all of it has expired."""

import datetime
import logging

from notebake.aws.model import Account
from notebake.errors import NotebakeError
from notebake.ledger.attempt import open_client_tokens
from notebake.record import Record
from notebake.runs import registry
from notebake.runs.account import read_account
from notebake.runs.attempt_store import list_attempts
from notebake.runs.lock_record import is_active, read_lock
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from notebake.store.interface import KEY, RunStore
from notebake.timestamps import utc_from_seconds

log = logging.getLogger(__name__)
UNREADABLE = "an unknown process, as its run store could not be read"


class RunClaims(Record):
    """What a run says it has created: it stays so as long as nobody continues the run."""

    id: str
    region: str = ""
    """"" if the store could not be read."""
    account: Account | None = None
    """Its account; None if none is recorded."""
    made_ids: frozenset[str] = frozenset()
    """Ids of all resources that it created, removed ones included."""
    present_ids: frozenset[str] = frozenset()
    """Ids of the resources that are not recorded as removed."""
    open_tokens: frozenset[str] = frozenset()
    """The client tokens of launches whose response was lost."""


class RunSummary(RunClaims):
    """One run as the run store knows it at present."""

    run: Run | None
    """None if the store could not be read; then no resource of the run may be removed."""
    holder: str = ""
    """Who executes it at present; "" if no process does."""
    ends_at: datetime.datetime | None = None
    """When all its resources have expired, at the latest."""


def has_run(run_id: str, store: RunStore) -> bool:
    """Return whether the store has a run with this id."""
    return bool(KEY.fullmatch(run_id) and store.list(f"{run_id}/recipes/"))


def summarize_runs(store: RunStore) -> dict[str, RunSummary]:
    """Return the summaries of all runs of the store, by run id; each of them is read."""
    return {header.id: summarize_run(header.id, store) for header in registry.list_runs(store)}


def summarize_run(run_id: str, store: RunStore) -> RunSummary:
    """Return the summary of a run that the store has."""
    try:
        run = registry.load_run(run_id, store)
        attempts = list_attempts(run)
        made = [attempt for attempt in attempts if attempt.made]
        lock, account = read_lock(run), read_account(run_id, store)
    except (NotebakeError, ValueError) as error:
        log.warning("Could not read what run %s created: %s", run_id, error)
        return RunSummary(id=run_id, run=None, holder=UNREADABLE)
    lasts_until = max(
        [attempt.at for attempt in made] + ([lock.expires_at] if lock else []), default=0.0
    )
    return RunSummary(
        id=run_id,
        region=run.recipe.region,
        run=run,
        holder=holder_of(run),
        account=account,
        made_ids=frozenset(id for attempt in made for id in attempt.made),
        present_ids=frozenset(
            id for attempt in made for id in attempt.made if attempt.state == "made"
        ),
        open_tokens=frozenset(open_client_tokens(attempts)),
        ends_at=utc_from_seconds(lasts_until + run.recipe.lease_hours * 3600),
    )


def holder_of(run: Run) -> str:
    """Return the process that executes the run now; "" if there is none."""
    lock = read_lock(run)
    if lock is None or not is_active(lock, open_store(run.store).clock()):
        return ""
    return lock.process.label
