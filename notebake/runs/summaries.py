"""What a run store knows about runs: what they made, who executes them, how long that may last."""

import datetime
import logging

from notebake.aws.model import Account
from notebake.errors import NotebakeError
from notebake.record import Record
from notebake.runs import registry
from notebake.runs.account import kept_account
from notebake.runs.attempts import attempts, open_tokens
from notebake.runs.lock import is_alive, read_lock
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from notebake.store.interface import KEY, RunStore
from notebake.timestamps import utc_from_seconds

log = logging.getLogger(__name__)
UNREADABLE = "nobody knows whom: its run store could not be read"


class KnownRun(Record):
    """One run, as its store has it."""

    id: str
    run: Run | None
    """None where the store could not be read: then nothing of the run is touched."""
    holder: str = ""
    """Who executes it at present; "" where nobody does."""
    made_ids: frozenset[str] = frozenset()
    """What it made, also what has been removed since."""
    present_ids: frozenset[str] = frozenset()
    """Those of which it has not kept that they are gone."""
    open_tokens: frozenset[str] = frozenset()
    """The client tokens of launches whose answer was lost."""
    account: Account | None = None
    """To which it belongs; None where it does not say."""
    ends_at: datetime.datetime | None = None
    """When all that it made has expired, at the latest."""

    @property
    def region(self) -> str:
        """Where all that it made is."""
        return self.run.recipe.region if self.run else ""


def has_run(run_id: str, store: RunStore) -> bool:
    """Tell whether the store has a run of this id."""
    return bool(KEY.fullmatch(run_id) and store.list(f"{run_id}/recipes/"))


def known_runs(store: RunStore, run_id: str = "") -> dict[str, KnownRun]:
    """Return what the store knows about all of its runs, or about one, by run id."""
    if run_id:
        return {run_id: summarize_run(run_id, store)} if has_run(run_id, store) else {}
    return {header.id: summarize_run(header.id, store) for header in registry.list_runs(store)}


def summarize_run(run_id: str, store: RunStore) -> KnownRun:
    """Return what the store knows about a run that it has."""
    try:
        run = registry.load_run(run_id, store)
        every = attempts(run)
        made = [one for one in every if one.made]
        lease, account = read_lock(run), kept_account(run_id, store)
    except (NotebakeError, ValueError) as error:
        log.warning("What run %s made could not be read: %s", run_id, error)
        return KnownRun(id=run_id, run=None, holder=UNREADABLE)
    lasts_until = max([one.at for one in made] + ([lease.expires_at] if lease else []), default=0.0)
    return KnownRun(
        id=run_id,
        run=run,
        holder=holder_of(run),
        account=account,
        made_ids=frozenset(id for one in made for id in one.made),
        present_ids=frozenset(id for one in made for id in one.made if one.state == "made"),
        open_tokens=frozenset(open_tokens(every)),
        ends_at=utc_from_seconds(lasts_until + run.recipe.lease_hours * 3600),
    )


def holder_of(run: Run) -> str:
    """Return who executes a run now, as a phrase; "" where nobody does."""
    lease = read_lock(run)
    if lease is None or not is_alive(lease, open_store(run.store).clock()):
        return ""
    return f"process {lease.process.pid} on {lease.process.host_name}"
