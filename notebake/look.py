"""A look into the account: what runs have there, whose it is, and what may go."""

import datetime
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from notebake.aws import inventory, parameters, schedules
from notebake.errors import CloudError, NotebakeError
from notebake.fate import Finding, decide
from notebake.known_runs import KnownRun, known_runs
from notebake.records import Record, Resource
from notebake.run_store import open_store

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
    hints: tuple[str, ...] = ()
    """What to do where nobody answered."""

    @property
    def going(self) -> tuple[Finding, ...]:
        """What may be removed."""
        return tuple(one for one in self.findings if one.goes)


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
    hints: list[str] = []
    for region, answer in asked.items():
        try:
            findings += answer.result()
        except CloudError as error:
            unanswered.append(f"{region}: {error.message}")
            hints.append(error.hint)
    return Look(
        findings=tuple(findings),
        unanswered=tuple(unanswered),
        hints=tuple(dict.fromkeys(filter(None, hints))),
    )


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
        message = f"These regions could not be looked at:\n{regions}"
        raise NotebakeError(message, "\n".join(found.hints))
