"""A look into the account: what runs have there, whose it is, and what may go."""

import datetime
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from notebake.aws import inventory, schedules, ssm, tags
from notebake.aws.identity import current_account
from notebake.aws.meaning import NO_PERMISSION
from notebake.aws.model import Resource
from notebake.errors import CloudError, NotebakeError
from notebake.record import Record
from notebake.resources.retention import Assessment, assess
from notebake.runs.account_check import check_account
from notebake.runs.open_store import open_store
from notebake.runs.summaries import RunSummary, summarize_runs

log = logging.getLogger(__name__)
AT_ONCE = 8


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
    def known(self) -> dict[str, RunSummary]:
        """What the run store knows, now."""
        return summarize_runs(open_store(self.store), self.run_id) if self.store else {}


class Survey(Record):
    """What was found, and where nobody answered: there nothing is known."""

    findings: tuple[Assessment, ...]
    unanswered: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    """What to do where nobody answered."""
    elsewhere: tuple[str, ...] = ()
    """Which runs of the store were not looked for, as they belong to other accounts."""

    @property
    def going(self) -> tuple[Assessment, ...]:
        """What may be removed."""
        return tuple(one for one in self.findings if one.goes)


def survey(scope: Scope) -> Survey:
    """Look in all regions at the same time; makes and removes nothing.

    Raises:
        WrongAccountError: one run is looked for, and it belongs to another account.
    """
    known = scope.known
    foreign = runs_elsewhere(known, scope)
    whose = Whose(
        known={id: one for id, one in known.items() if id not in foreign},
        holders={one.id: one.holder for one in known.values() if one.holder},
        foreign={one.id: str(one.account) for one in foreign.values()},
    )
    with ThreadPoolExecutor(min(AT_ONCE, len(scope.regions))) as pool:
        asked = {
            region: pool.submit(copy_context().run, assess_region, region, scope, whose)
            for region in scope.regions
        }
    findings: list[Assessment] = []
    unanswered: list[str] = []
    hints: list[str] = []
    for region, answer in asked.items():
        try:
            findings += answer.result()
        except CloudError as error:
            unanswered.append(f"{region}: {error.message}")
            hints.append(str(error.advice))
    return Survey(
        findings=tuple(findings),
        unanswered=tuple(unanswered),
        hints=tuple(dict.fromkeys(filter(None, hints))),
        elsewhere=tuple(
            f"run {one.id} belongs to the account {one.account}"
            for one in foreign.values()
            if one.present_ids
        ),
    )


class Whose(Record):
    """What a run store knows, as far as it is about this account."""

    known: dict[str, RunSummary]
    holders: dict[str, str]
    foreign: dict[str, str]
    """The accounts of runs that belong to others, by run id."""


def runs_elsewhere(known: Mapping[str, RunSummary], scope: Scope) -> dict[str, RunSummary]:
    """Return the known runs that belong to another account than these credentials.

    Raises:
        WrongAccountError: the run that is looked for is one of them, or EC2 shows nothing of it
            although it must.
    """
    one = known.get(scope.run_id)
    if one and one.run:
        check_account(one.run)
    if not any(one.account for one in known.values()):
        return {}
    current = current_account(scope.regions[0])
    return {id: one for id, one in known.items() if one.account not in (None, current)}


def assess_region(region: str, scope: Scope, whose: Whose) -> list[Assessment]:
    """Return what is in one region, and what becomes of it."""
    made_ids = frozenset(id for one in whose.known.values() for id in one.made_ids)
    tokens = frozenset(token for one in whose.known.values() for token in one.open_tokens)
    found = gather(region, scope.run_id, whose.known)
    return assess(
        found,
        before=scope.before,
        known_ids=made_ids | {one.id for one in found if one.token in tokens},
        holders=whose.holders,
        foreign=whose.foreign,
    )


def gather(region: str, run_id: str, known: Mapping[str, RunSummary]) -> list[Resource]:
    """Return what carries a run's tag or name, or is known to the run store without them."""
    tagged = inventory.list_resources(region, run_id)
    seen = {one.id for one in tagged}
    here = [run for run in known.values() if run.region == region]
    unseen = {id: run.id for run in here for id in run.present_ids if id not in seen}
    tokens = {token: run.id for run in here for token in run.open_tokens}
    for one in inventory.list_kept(region, unseen, tokens):
        if one.id not in seen:
            ends_at = known[one.run_id].ends_at
            expires = one.expires or (tags.as_tag(ends_at) if ends_at else "")
            tagged.append(one.model_copy(update={"expires": expires}))
    return [*inventory.with_users(region, tagged), *_named(region, run_id, tagged)]


def _named(region: str, run_id: str, tagged: list[Resource]) -> list[Resource]:
    """Return what carries a run's name: schedules, and the keys that open its machines."""
    found = _if_permitted(schedules.list_schedules, region, run_id)
    for one in _if_permitted(ssm.list_parameters, region, run_id):
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


def check_all_answered(found: Survey) -> None:
    """Raise where a region was not looked at: an empty answer from there would mean nothing."""
    if found.unanswered:
        regions = "\n".join(found.unanswered)
        message = f"These regions could not be looked at:\n{regions}"
        raise NotebakeError(message, "\n".join(found.hints))
