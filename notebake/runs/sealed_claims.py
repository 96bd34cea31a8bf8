"""What all runs of a store have created: of sealed ones by their seals, of the others as it is now.

Nobody continues a sealed run without a mark in the record, so what its seal says of it holds.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from notebake.errors import NotebakeError
from notebake.ledger.entry import Entry
from notebake.ledger.summary import Summary
from notebake.runs import registry
from notebake.runs.account import read_account
from notebake.runs.open_store import open_store
from notebake.runs.seal_index import RowKind, SealIndex, run_of
from notebake.runs.sealed_rows import HISTORY
from notebake.runs.summaries import RunClaims, RunSummary, summarize_run
from notebake.store.interface import RunStore

READERS = 16


def read_claims(location: str) -> dict[str, RunClaims]:
    """Return what each run of the store has created, by run id.

    Runs that are not sealed have a whole summary.

    Raises:
        RunStoreError: the store failed.
    """
    store = open_store(location)
    with ThreadPoolExecutor(READERS) as pool:
        listed = pool.submit(registry.list_run_ids, store)
        sealed = {claims.id: claims for claims in SealIndex(location, CLAIMS).rows()}
        names = listed.result()
        headers = registry.list_runs(store, (name for name in names if name not in sealed))
        live = pool.map(lambda header: summarize_run(header.id, store), headers)
        known = {name: sealed[name] for name in names if name in sealed}
        return known | {summary.id: summary for summary in live}


def share_rows(location: str) -> None:
    """Let a store on S3 keep the rows of all sealed runs, for machines that do not know them yet.

    Raises:
        RunStoreError: the store failed.
    """
    SealIndex(location, HISTORY).share()
    SealIndex(location, CLAIMS).share()


def claims_of_seal(run_id: str, content: bytes, store: RunStore) -> RunClaims:
    """Return what a seal says that its run has created; what it does not say, the run itself does.

    A run that cannot be read has a summary that says so.
    """
    try:
        summary = Summary.model_validate(Entry.model_validate_json(content).body["summary"])
        account = read_account(run_id, store)
    except (NotebakeError, ValueError, KeyError):
        return _claims_of_run(run_id, store)
    if summary.attempts is None or summary.is_continued:
        return _claims_of_run(run_id, store)
    return RunClaims(
        id=run_id,
        region=str(summary.recipe.get("region", "")),
        account=account,
        made_ids=frozenset(summary.attempts.made),
        present_ids=frozenset(summary.attempts.present),
        open_tokens=frozenset(summary.attempts.open_tokens),
    )


def _claims_of_run(run_id: str, store: RunStore) -> RunClaims:
    summary = summarize_run(run_id, store)
    if summary.run is None:
        return summary
    return RunClaims(**{name: getattr(summary, name) for name in RunClaims.model_fields})


def _read(location: str, seals: Mapping[str, bytes]) -> list[RunClaims]:
    store = open_store(location)
    with ThreadPoolExecutor(READERS) as pool:
        runs = [run_of(seal) for seal in seals]
        return list(
            pool.map(lambda run, seal: claims_of_seal(run, seal, store), runs, seals.values())
        )


def _is_lasting(claims: RunClaims) -> bool:
    """Return whether the run could be read, and has an account, which it never changes."""
    return claims.account is not None and not isinstance(claims, RunSummary)


CLAIMS = RowKind("claims", 1, RunClaims, _read, _is_lasting)
