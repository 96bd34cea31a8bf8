"""Removes what runs have left behind: resources that a survey has proven to be ours and expired."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from itertools import groupby

from notebake.aws.model import Resource
from notebake.aws.removal import remove_resource
from notebake.errors import NextCommand, NotebakeError, RunLockedError, WaitTimeoutError
from notebake.record import Record
from notebake.resources.kinds import REMOVAL_ORDER
from notebake.resources.known_runs import KnownRuns
from notebake.resources.leftovers import describe_resource
from notebake.resources.retention import Assessment, assess
from notebake.resources.survey import Scope, list_region
from notebake.runs.account import bind_account
from notebake.runs.account_check import account_lookup
from notebake.runs.execution_record import recording_removal
from notebake.runs.lock import hold_run
from notebake.runs.summaries import RunSummary
from notebake.store.interface import KEY
from notebake.timeouts import REMOVAL_VISIBLE_SECONDS
from notebake.waiting import wait_until

log = logging.getLogger(__name__)


class Swept(Record):
    """The result of a removal."""

    removed: tuple[Resource, ...] = ()
    spared: tuple[Assessment, ...] = ()
    """Resources that turned out to stay when they were about to be removed."""
    failures: tuple[str, ...] = ()
    remaining: tuple[Resource, ...] = ()

    def __add__(self, other: "Swept") -> "Swept":
        return Swept(
            removed=self.removed + other.removed,
            spared=self.spared + other.spared,
            failures=self.failures + other.failures,
            remaining=self.remaining + other.remaining,
        )


class SweepError(NotebakeError):
    """A resource still exists that should be gone."""


def remove(findings: Iterable[Assessment], scope: Scope) -> Swept:
    """Remove the resources that may go, run by run; each is assessed again just before.

    After a failure the other resources are still tried.
    """
    swept = Swept()
    going = sorted((finding for finding in findings if finding.may_go), key=_place)
    for (region, run_id), group in groupby(going, key=_place):
        swept += _remove_of_run(list(group), scope.model_copy(update={"run_id": run_id}), region)
    return swept


def _place(finding: Assessment) -> tuple[str, str]:
    return finding.resource.region, finding.resource.run_id


def _remove_of_run(going: list[Assessment], scope: Scope, region: str) -> Swept:
    """Remove the resources of one run; if its store is known, while holding the run lock."""
    try:
        known = scope.known
        with _held(known.summary(scope.run_id)), _recorded(scope, region):
            return _remove_in_order(going, scope, region, known)
    except RunLockedError as error:
        update = {"reason_to_stay": error.message}
        return Swept(spared=tuple(finding.model_copy(update=update) for finding in going))
    except NotebakeError as error:
        remaining = tuple(finding.resource for finding in going)
        return Swept(failures=(error.message,), remaining=remaining)


@contextmanager
def _held(summary: RunSummary | None) -> Iterator[None]:
    """Hold the lock of a known run, and bind the calls of the block to its account."""
    if summary is None or summary.run is None:
        yield
        return
    with hold_run(summary.run):
        if summary.account is None:
            yield
            return
        with bind_account(summary.run, summary.account, account_lookup(summary.run)):
            yield


def _recorded(scope: Scope, region: str) -> AbstractContextManager[None]:
    """Record the removal in the ledger of the run; without a store there is none."""
    if scope.store and KEY.fullmatch(scope.run_id):
        return recording_removal(scope.run_id, region, scope.store)
    return nullcontext()


def _remove_in_order(going: list[Assessment], scope: Scope, region: str, known: KnownRuns) -> Swept:
    """Remove each resource unless a new assessment says that it stays; wait until all are gone."""
    proven = {finding.resource.id for finding in going}
    removed: list[Resource] = []
    spared: list[Assessment] = []
    failures: list[str] = []
    failed: set[str] = set()
    for finding in sorted(going, key=lambda each: REMOVAL_ORDER.index(each.resource.kind)):
        resource = finding.resource
        try:
            if failed & set(resource.owners):
                failed.add(resource.id)
                continue
            now = _assess_again(resource, scope, region, known, proven)
            if now and not now.may_go:
                spared.append(now)
                continue
            if now:
                log.info("Removing %s %s in %s", resource.kind, resource.id, region)
                remove_resource(now.resource)
            removed.append(resource)
        except NotebakeError as error:
            failed.add(resource.id)
            failures.append(error.message)
    left = _wait_until_gone({resource.id for resource in removed}, scope.run_id, region, known)
    return Swept(
        removed=tuple(resource for resource in removed if resource.id not in left),
        spared=tuple(spared),
        failures=tuple(failures),
        remaining=tuple(each.resource for each in going if each.resource.id in failed | left),
    )


def _assess_again(
    resource: Resource,
    scope: Scope,
    region: str,
    known: KnownRuns,
    proven: set[str],
) -> Assessment | None:
    """Return the current assessment of a resource; None if it is gone.

    AWS never reuses ids, so a resource that was proven to be ours stays so without its machine.
    """
    found = list_region(region, scope.run_id, known)
    findings = assess(found, before=scope.before, known_ids=proven)
    return next((finding for finding in findings if finding.resource.id == resource.id), None)


def _wait_until_gone(ids: set[str], run_id: str, region: str, known: KnownRuns) -> set[str]:
    """Return the removed resources that EC2 still shows at the end of the wait."""
    left = ids

    def is_gone() -> bool | None:
        nonlocal left
        left = ids & {resource.id for resource in list_region(region, run_id, known)}
        return None if left else True

    with suppress(WaitTimeoutError):
        wait_until(
            is_gone, what="AWS to show that all is gone", timeout_seconds=REMOVAL_VISIBLE_SECONDS
        )
    return left


def check_all_gone(swept: Swept, *again: NextCommand, hint: str = "") -> None:
    """Raise SweepError if a removal failed; `again` are the commands to type next."""
    if swept.remaining or swept.failures:
        left = ", ".join(map(describe_place, swept.remaining)) or "nothing of what was found"
        why = " ".join(swept.failures)
        raise SweepError(f"The sweep left: {left}. {why}".strip(), hint).with_next(*again)


def describe_place(resource: Resource) -> str:
    """Return a resource with its region."""
    return f"{describe_resource(resource)} in {resource.region}"
