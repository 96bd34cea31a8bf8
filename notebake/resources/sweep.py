"""Remove what runs have left behind: what a look has proven to be ours, and expired."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import groupby

from notebake.aws.model import Resource
from notebake.aws.removal import remove_resource
from notebake.errors import NextCommand, NotebakeError, RunLockedError, WaitTimeoutError
from notebake.record import Record
from notebake.resources.kinds import REMOVAL_ORDER
from notebake.resources.leftovers import describe_resource
from notebake.resources.retention import Assessment, assess
from notebake.resources.survey import Scope, gather
from notebake.runs.account import bind_account
from notebake.runs.account_check import account_lookup
from notebake.runs.lock import hold_run
from notebake.runs.summaries import RunSummary
from notebake.timeouts import REMOVAL_VISIBLE_SECONDS
from notebake.waiting import wait_until

log = logging.getLogger(__name__)


class Swept(Record):
    """What came of a removal."""

    removed: tuple[Resource, ...] = ()
    spared: tuple[Assessment, ...] = ()
    """What was to go, but must stay by a second look just before."""
    failures: tuple[str, ...] = ()
    remaining: tuple[Resource, ...] = ()


class SweepError(NotebakeError):
    """Something is still there that should be gone."""


def remove(findings: Iterable[Assessment], scope: Scope) -> Swept:
    """Remove what goes: run by run, all tried, each looked at again just before."""
    swept = Swept()
    going = sorted((one for one in findings if one.goes), key=_place)
    for (region, run_id), group in groupby(going, key=_place):
        one = _remove_of_run(list(group), scope.model_copy(update={"run_id": run_id}), region)
        swept = Swept(
            removed=swept.removed + one.removed,
            spared=swept.spared + one.spared,
            failures=swept.failures + one.failures,
            remaining=swept.remaining + one.remaining,
        )
    return swept


def _place(one: Assessment) -> tuple[str, str]:
    return one.resource.region, one.resource.run_id


def _remove_of_run(going: list[Assessment], scope: Scope, region: str) -> Swept:
    """Remove what goes of one run; where its store is known, as the holder of its lease."""
    try:
        known = scope.known
        with _held(known.get(scope.run_id)):
            return _remove_in_order(going, scope, region, known)
    except RunLockedError as error:
        update = {"reason_to_stay": error.message}
        return Swept(spared=tuple(one.model_copy(update=update) for one in going))
    except NotebakeError as error:
        remaining = tuple(one.resource for one in going)
        return Swept(failures=(error.message,), remaining=remaining)


@contextmanager
def _held(known: RunSummary | None) -> Iterator[None]:
    """Keep every execution of a run that is known out, and its calls in its account."""
    if known is None or known.run is None:
        yield
        return
    with hold_run(known.run):
        if known.account is None:
            yield
            return
        with bind_account(known.run, known.account, account_lookup(known.run)):
            yield


def _remove_in_order(
    going: list[Assessment], scope: Scope, region: str, known: Mapping[str, RunSummary]
) -> Swept:
    """Remove each, unless a fresh look says that it must stay now, and look for what is left."""
    proven = {one.resource.id for one in going}
    removed: list[Resource] = []
    spared: list[Assessment] = []
    failures: list[str] = []
    failed: set[str] = set()
    for one in sorted(going, key=lambda one: REMOVAL_ORDER.index(one.resource.kind)):
        resource = one.resource
        try:
            if failed & set(resource.owners):
                failed.add(resource.id)
                continue
            now = _look_again(resource, scope, region, known, proven)
            if now and not now.goes:
                spared.append(now)
                continue
            if now:
                log.info("Removing %s %s in %s", resource.kind, resource.id, region)
                remove_resource(now.resource)
            removed.append(resource)
        except NotebakeError as error:
            failed.add(resource.id)
            failures.append(error.message)
    left = _wait_until_gone({one.id for one in removed}, scope.run_id, region, known)
    remaining = [one.resource for one in going if one.resource.id in failed | left]
    return Swept(
        removed=tuple(one for one in removed if one.id not in left),
        spared=tuple(spared),
        failures=tuple(failures),
        remaining=tuple(remaining),
    )


def _look_again(
    resource: Resource,
    scope: Scope,
    region: str,
    known: Mapping[str, RunSummary],
    proven: set[str],
) -> Assessment | None:
    """Return what is to be said of a resource now; None for one that is gone.

    An id is never given twice: what was proven to be ours stays so, also without its machine.
    """
    found = gather(region, scope.run_id, known)
    findings = assess(found, before=scope.before, known_ids=proven)
    return next((one for one in findings if one.resource.id == resource.id), None)


def _wait_until_gone(
    ids: set[str], run_id: str, region: str, known: Mapping[str, RunSummary]
) -> set[str]:
    """Return what EC2 goes on showing of what was removed."""
    left = ids

    def is_gone() -> bool | None:
        nonlocal left
        left = ids & {one.id for one in gather(region, run_id, known)}
        return None if left else True

    with suppress(WaitTimeoutError):
        wait_until(
            is_gone, what="AWS to show that all is gone", timeout_seconds=REMOVAL_VISIBLE_SECONDS
        )
    return left


def check_all_gone(swept: Swept, *again: NextCommand, hint: str = "") -> None:
    """Raise SweepError where something is still there; `again` is what a person may type."""
    if swept.remaining or swept.failures:
        left = ", ".join(map(describe_place, swept.remaining)) or "nothing of what was found"
        why = " ".join(swept.failures)
        raise SweepError(f"The sweep left: {left}. {why}".strip(), hint).with_next(*again)


def describe_place(resource: Resource) -> str:
    """Return a resource with its place."""
    return f"{describe_resource(resource)} in {resource.region}"
