"""Look for what runs have left behind in the account, and remove what is proven and expired."""

import datetime
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import copy_context
from itertools import groupby

from notebake.aws import inventory, parameters, schedules
from notebake.aws.removal import remove_resource
from notebake.errors import CloudError, NotebakeError, RunIsHeldError, WaitTimeoutError
from notebake.fate import KINDS, Finding, decide
from notebake.known_runs import KnownRun, known_runs
from notebake.patience import SETTLE_SECONDS
from notebake.records import Record, Resource
from notebake.run_lease import hold_lease
from notebake.run_store import open_store
from notebake.waiting import wait_until

log = logging.getLogger(__name__)
AT_ONCE = 8
NO_PERMISSION = frozenset(("AccessDeniedException", "UnauthorizedOperation"))


class Scope(Record):
    """Where to look, and for what."""

    regions: tuple[str, ...]
    run_id: str = ""
    """Only this run; "": all."""
    store: str = ""
    """The run store that knows more than the tags; "": none."""
    before: datetime.datetime | None
    """Only what expired before this moment goes; None: the expiry does not matter."""

    @property
    def known(self) -> dict[str, KnownRun]:
        """What the run store knows, now."""
        return known_runs(open_store(self.store), self.run_id) if self.store else {}


class Look(Record):
    """What was found, and where nobody answered: there nothing is known."""

    findings: tuple[Finding, ...]
    unanswered: tuple[str, ...] = ()

    @property
    def going(self) -> tuple[Finding, ...]:
        """What may be removed."""
        return tuple(one for one in self.findings if one.goes)


class Swept(Record):
    """What came of a removal."""

    removed: tuple[Resource, ...] = ()
    spared: tuple[Finding, ...] = ()
    """What was to go, but must stay by a second look just before."""
    failures: tuple[str, ...] = ()
    remaining: tuple[Resource, ...] = ()


class SweepError(NotebakeError):
    """Something is still there that should be gone."""


def look(scope: Scope) -> Look:
    """Look in all regions at the same time; makes and removes nothing."""
    known = scope.known
    holders = {one.id: one.holder for one in known.values() if one.holder}
    with ThreadPoolExecutor(min(AT_ONCE, len(scope.regions))) as pool:
        asked = {
            region: pool.submit(copy_context().run, examine, region, scope, known, holders)
            for region in scope.regions
        }
    findings: list[Finding] = []
    unanswered: list[str] = []
    for region, answer in asked.items():
        try:
            findings += answer.result()
        except CloudError as error:
            unanswered.append(f"{region}: {error.message}")
    return Look(findings=tuple(findings), unanswered=tuple(unanswered))


def examine(
    region: str, scope: Scope, known: Mapping[str, KnownRun], holders: Mapping[str, str]
) -> list[Finding]:
    """Return what is in one region, and what becomes of it."""
    made_ids = frozenset(id for one in known.values() for id in one.made_ids)
    found = gather(region, scope.run_id, known)
    return decide(found, before=scope.before, known_ids=made_ids, holders=holders)


def gather(region: str, run_id: str, known: Mapping[str, KnownRun]) -> list[Resource]:
    """Return what carries a run's tag or name, or is known to the run store without them."""
    tagged = inventory.list_resources(region, run_id)
    seen = {one.id for one in tagged}
    kept = {id: run for run in known.values() if run.region == region for id in run.present_ids}
    unseen = {id: run.id for id, run in kept.items() if id not in seen}
    for one in inventory.list_by_id(region, unseen):
        ends_at = kept[one.id].ends_at
        expires = one.expires or (ends_at.isoformat(timespec="seconds") if ends_at else "")
        tagged.append(one.model_copy(update={"expires": expires}))
    return [*inventory.with_users(region, tagged), *_named(region, run_id, tagged)]


def _named(region: str, run_id: str, tagged: list[Resource]) -> list[Resource]:
    """Return what carries a run's name: schedules, and the keys that open its machines."""
    found = _if_permitted(schedules.list_schedules, region, run_id)
    for one in _if_permitted(parameters.list_parameters, region, run_id):
        machines = [each for each in tagged if (each.kind, each.run_id) == ("instance", one.run_id)]
        found.append(one.model_copy(update={"owners": tuple(each.id for each in machines)}))
    return found


def _if_permitted(
    lister: Callable[[str, str], list[Resource]], region: str, run_id: str
) -> list[Resource]:
    """Return what is listed; nothing for whoever may not ask, as most who never made any."""
    try:
        return lister(region, run_id)
    except CloudError as error:
        if error.code not in NO_PERMISSION:
            raise
        log.warning("%s Whether there is anything of ours is not known.", error.message)
        return []


def check_all_answered(found: Look) -> None:
    """Raise where a region was not looked at: an empty answer from there would mean nothing."""
    if found.unanswered:
        regions = "\n".join(found.unanswered)
        raise NotebakeError(f"These regions could not be looked at:\n{regions}")


def remove(findings: Iterable[Finding], scope: Scope) -> Swept:
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


def _place(one: Finding) -> tuple[str, str]:
    return one.resource.region, one.resource.run_id


def _remove_of_run(going: list[Finding], scope: Scope, region: str) -> Swept:
    """Remove what goes of one run; where its store is known, as the holder of its lease."""
    try:
        known = scope.known
        with _held(known.get(scope.run_id)):
            return _remove_in_order(going, scope, region, known)
    except RunIsHeldError as error:
        update = {"reason_to_stay": error.message}
        return Swept(spared=tuple(one.model_copy(update=update) for one in going))
    except NotebakeError as error:
        remaining = tuple(one.resource for one in going)
        return Swept(failures=(error.message,), remaining=remaining)


@contextmanager
def _held(known: KnownRun | None) -> Iterator[None]:
    """Keep every execution of the run out, where it is known."""
    if known is None or known.run is None:
        yield
        return
    with hold_lease(known.run):
        yield


def _remove_in_order(
    going: list[Finding], scope: Scope, region: str, known: Mapping[str, KnownRun]
) -> Swept:
    """Remove each, unless a fresh look says that it must stay now, and look for what is left."""
    proven = {one.resource.id for one in going}
    removed: list[Resource] = []
    spared: list[Finding] = []
    failures: list[str] = []
    failed: set[str] = set()
    for one in sorted(going, key=lambda one: KINDS.index(one.resource.kind)):
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
    known: Mapping[str, KnownRun],
    proven: set[str],
) -> Finding | None:
    """Return what is to be said of a resource now; None for one that is gone.

    An id is never given twice: what was proven to be ours stays so, also without its machine.
    """
    found = gather(region, scope.run_id, known)
    findings = decide(found, before=scope.before, known_ids=proven)
    return next((one for one in findings if one.resource.id == resource.id), None)


def _wait_until_gone(
    ids: set[str], run_id: str, region: str, known: Mapping[str, KnownRun]
) -> set[str]:
    """Return what EC2 goes on showing of what was removed."""
    left = ids

    def is_gone() -> bool | None:
        nonlocal left
        left = ids & {one.id for one in gather(region, run_id, known)}
        return None if left else True

    with suppress(WaitTimeoutError):
        wait_until(is_gone, what="AWS to show that all is gone", timeout_seconds=SETTLE_SECONDS)
    return left
