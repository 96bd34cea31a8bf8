"""What a run store says of the runs whose resources are surveyed."""

import functools
from collections.abc import Collection, Container, Iterable, Mapping

from notebake.aws.model import Resource
from notebake.runs.open_store import open_store
from notebake.runs.sealed_claims import read_claims
from notebake.runs.summaries import RunClaims, RunSummary, has_run, summarize_run


class KnownRuns:
    """Runs of a store, with what they have created; more of a run is read when it is asked for."""

    def __init__(self, claims: Mapping[str, RunClaims], store: str) -> None:
        self.claims = claims
        """What each has created, by run id."""
        self._store = store
        self._read = functools.cache(lambda run_id: summarize_run(run_id, open_store(store)))

    def summary(self, run_id: str) -> RunSummary | None:
        """Return the summary of a run as it is now; None if the store does not have the run."""
        claims = self.claims.get(run_id)
        if claims is None or isinstance(claims, RunSummary):
            return claims
        return self._read(run_id)

    def holder_of(self, run_id: str) -> str:
        """Return who executes a run at present; "" if nobody does, or the run is not known."""
        summary = self.summary(run_id)
        return summary.holder if summary else ""

    def read_makers(self, resources: Collection[Resource]) -> list[RunSummary]:
        """Return the summaries, as they are now, of the runs that may have created resources."""
        ids = {resource.id for resource in resources}
        tokens = {resource.token for resource in resources}
        makers = {
            claims.id
            for claims in self.claims.values()
            if claims.made_ids & ids or claims.open_tokens & tokens
        }
        found = [self.summary(run_id) for run_id in sorted(makers)]
        return [summary for summary in found if summary]

    def without(self, run_ids: Container[str]) -> "KnownRuns":
        """Return all runs but these."""
        kept = {id: claims for id, claims in self.claims.items() if id not in run_ids}
        return KnownRuns(kept, self._store)


def read_known_runs(store: str, run_id: str = "") -> KnownRuns:
    """Return all runs of a store, or the one run if the store has it; none without a store.

    Raises:
        RunStoreError: the store failed.
    """
    if not store:
        return KnownRuns({}, store)
    if not run_id:
        return KnownRuns(read_claims(store), store)
    opened = open_store(store)
    is_there = has_run(run_id, opened)
    return KnownRuns({run_id: summarize_run(run_id, opened)} if is_there else {}, store)


def known_ids(found: Iterable[Resource], claims: Iterable[RunClaims]) -> frozenset[str]:
    """Return the ids that the runs have created, and of what lost launches have created."""
    claims = list(claims)
    made_ids = frozenset(id for run in claims for id in run.made_ids)
    tokens = frozenset(token for run in claims for token in run.open_tokens)
    return made_ids | {resource.id for resource in found if resource.token in tokens}
