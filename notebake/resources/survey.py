"""A survey of the account: the resources of runs, who owns them, and which may be removed."""

import datetime
import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from notebake.aws import inventory, schedules, ssm, tags
from notebake.aws.error_codes import NO_PERMISSION
from notebake.aws.identity import current_account
from notebake.aws.model import Resource
from notebake.errors import CloudError, NotebakeError
from notebake.record import Record
from notebake.resources.known_runs import KnownRuns, known_ids, read_known_runs
from notebake.resources.retention import Assessment, assess
from notebake.runs.account_check import check_account
from notebake.runs.summaries import RunClaims, RunSummary

log = logging.getLogger(__name__)
MAX_REGIONS_AT_ONCE = 8


class Scope(Record):
    """Which regions and runs a survey covers."""

    regions: tuple[str, ...]
    run_id: str = ""
    """Only this run; "" for all runs."""
    store: str = ""
    """The run store with more data than the tags; "" for none."""
    before: datetime.datetime | None
    """Only resources that expired before this time may go; None ignores the expiry."""

    @property
    def known(self) -> KnownRuns:
        """What the store says of the runs at present."""
        return read_known_runs(self.store, self.run_id)


class Survey(Record):
    """The resources that were found, and the regions that did not answer."""

    findings: tuple[Assessment, ...]
    unanswered: tuple[str, ...] = ()
    """Regions without an answer, each with the error: nothing is known about their resources."""
    hints: tuple[str, ...] = ()
    """What to do about regions without an answer."""
    elsewhere: tuple[str, ...] = ()
    """Runs of the store that were left out, as they belong to other accounts."""

    @property
    def going(self) -> tuple[Assessment, ...]:
        return tuple(finding for finding in self.findings if finding.may_go)


def survey(scope: Scope) -> Survey:
    """Survey all regions concurrently; change nothing.

    Raises:
        WrongAccountError: the scope is one run, and it belongs to another account.
    """
    known = scope.known
    foreign = runs_elsewhere(known, scope)
    ours = known.without(foreign)
    with ThreadPoolExecutor(min(MAX_REGIONS_AT_ONCE, len(scope.regions))) as pool:
        futures = {
            region: pool.submit(copy_context().run, assess_region, region, scope, ours, foreign)
            for region in scope.regions
        }
    findings: list[Assessment] = []
    errors: dict[str, CloudError] = {}
    for region, future in futures.items():
        try:
            findings += future.result()
        except CloudError as error:
            errors[region] = error
    hints = [str(error.advice) for error in errors.values()]
    left_out = [foreign[id] for id in sorted(foreign) if foreign[id].present_ids]
    return Survey(
        findings=tuple(findings),
        unanswered=tuple(f"{region}: {error.message}" for region, error in errors.items()),
        hints=tuple(dict.fromkeys(filter(None, hints))),
        elsewhere=tuple(f"run {run.id} belongs to the account {run.account}" for run in left_out),
    )


def runs_elsewhere(known: KnownRuns, scope: Scope) -> dict[str, RunClaims]:
    """Return the known runs that belong to another account than the credentials.

    Raises:
        WrongAccountError: the scope is one run, and it belongs to another account, or EC2 shows
            nothing of it although it must.
    """
    wanted = known.summary(scope.run_id)
    if wanted and wanted.run:
        check_account(wanted.run)
    if not any(run.account for run in known.claims.values()):
        return {}
    current = current_account(scope.regions[0])
    return {id: run for id, run in known.claims.items() if run.account not in (None, current)}


def assess_region(
    region: str, scope: Scope, runs: KnownRuns, foreign: Mapping[str, RunClaims]
) -> list[Assessment]:
    """Return the assessments of all resources of one region.

    `foreign` are the runs that belong to other accounts.
    """
    found = list_region(region, scope.run_id, runs)

    def assessed(claims: Iterable[RunClaims]) -> list[Assessment]:
        return assess(
            found,
            before=scope.before,
            known_ids=known_ids(found, claims),
            holder_of=runs.holder_of,
            foreign={id: str(run.account) for id, run in foreign.items()},
        )

    findings = assessed(runs.claims.values())
    if not any(finding.may_go for finding in findings):
        return findings
    # Kept rows may be wrong: they let nothing go that the runs themselves do not claim.
    going = [finding.resource for finding in findings if finding.may_go]
    confirmed = {each.resource.id: each for each in assessed(runs.read_makers(going))}
    return [confirmed[each.resource.id] if each.may_go else each for each in findings]


def list_region(region: str, run_id: str, known: KnownRuns) -> list[Resource]:
    """Return the resources with a run's tag or name, and those that only the run store knows."""
    tagged = inventory.list_resources(region, run_id)
    seen = {resource.id for resource in tagged}
    runs = [run for run in known.claims.values() if run.region == region]
    unseen = {id: run.id for run in runs for id in run.present_ids if id not in seen}
    tokens = {token: run.id for run in runs for token in run.open_tokens}
    for resource in inventory.list_kept(region, unseen, tokens):
        if resource.id not in seen:
            expires = resource.expires or _end_of(known.summary(resource.run_id))
            tagged.append(resource.model_copy(update={"expires": expires}))
    return [*inventory.with_users(region, tagged), *_list_named(region, run_id, tagged)]


def _end_of(summary: RunSummary | None) -> str:
    """Return when all of a run has expired, as a tag says it; "" if that is not known."""
    return tags.as_tag(summary.ends_at) if summary and summary.ends_at else ""


def _list_named(region: str, run_id: str, tagged: list[Resource]) -> list[Resource]:
    """Return the resources with a run's name: schedules, and parameters with private keys."""
    found = _list_if_permitted(schedules.list_schedules, region, run_id)
    for parameter in _list_if_permitted(ssm.list_parameters, region, run_id):
        machine = ("instance", parameter.run_id)
        owners = tuple(each.id for each in tagged if (each.kind, each.run_id) == machine)
        found.append(parameter.model_copy(update={"owners": owners}))
    return found


def _list_if_permitted(
    lister: Callable[[str, str], list[Resource]], region: str, run_id: str
) -> list[Resource]:
    """Return what the lister returns, or nothing without the permission.

    Most users who never used such resources lack the permission to list them.
    """
    try:
        return lister(region, run_id)
    except CloudError as error:
        if error.code not in NO_PERMISSION:
            raise
        log.warning("%s So resources of this kind may be missing here.", error.message)
        return []


def check_all_regions_answered(found: Survey) -> None:
    """Raise NotebakeError if a region did not answer: its resources are unknown."""
    if found.unanswered:
        regions = "\n".join(found.unanswered)
        message = f"These regions could not be searched:\n{regions}"
        raise NotebakeError(message, "\n".join(found.hints))
