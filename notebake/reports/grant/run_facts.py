"""What a report says of one run."""

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence

from notebake.costs.charges import Charge
from notebake.ledger.entry import Entry
from notebake.ledger.summary import Summary
from notebake.local.code_version import describe_code
from notebake.reports.grant.approvals import find_approvals
from notebake.reports.grant.award_facts import describe_awards
from notebake.reports.grant.changes import find_changes
from notebake.reports.grant.document import Amounts, ImageFacts, Purpose, RunFacts
from notebake.reports.grant.failures import find_failures
from notebake.reports.grant.items import find_items
from notebake.reports.grant.money_facts import hours_of
from notebake.reports.grant.notebook_proof import describe_proof
from notebake.runs.approvals.question import Question
from notebake.runs.people import Person, name_of
from notebake.runs.record_check import CheckedRun
from notebake.runs.recorded_run import RecordedRun

MACHINE = ("machine", "idle machine")
IDLE = ("idle machine",)


def facts_of_run(
    recorded: RecordedRun,
    *,
    award: str,
    amounts: Amounts,
    metered: Sequence[Charge],
    checked: CheckedRun,
    people: Mapping[str, Person],
    makers: Mapping[str, str],
    questions: Sequence[Question],
    days: tuple[datetime.date, datetime.date],
    location: str,
) -> RunFacts:
    """Return the facts of a run; `makers` has the run that left each image."""
    summary = recorded.summary
    return RunFacts(
        id=summary.run,
        recipe=summary.recipe_name,
        recipe_digest=summary.recipe_digest,
        purposes=tuple(_purposes(recorded.entries, award)),
        people=tuple(name_of(each, people) for each in summary.people),
        code=describe_code(summary.code),
        account=summary.account,
        region=str(summary.recipe.get("region", "")),
        began=summary.began,
        ended=summary.ended,
        outcome=str(summary.result),
        executions=len(summary.executions),
        machine_hours=hours_of(metered, MACHINE),
        idle_hours=hours_of(metered, IDLE),
        amounts=amounts,
        failures=tuple(find_failures(recorded.entries)),
        changes=tuple(find_changes(recorded.entries, people)),
        approvals=tuple(
            find_approvals(
                questions, summary.run, summary.image.id if summary.image else "", people
            )
        ),
        items=tuple(find_items(summary.run, recorded.entries, *map(str, days))),
        image=_image_of(summary, makers, location),
        state=checked.state,
        entries=len(recorded.entries),
        head=recorded.head,
    )


def _purposes(entries: Iterable[Entry], number: str) -> Iterator[Purpose]:
    """Yield what the award was named for, and each change of that."""
    for entry, award in describe_awards(entries, number):
        yield Purpose(since=entry.time, purpose=award["purpose"], share_percent=award["share"])


def _image_of(summary: Summary, makers: Mapping[str, str], location: str) -> ImageFacts | None:
    image, recipe = summary.image, summary.recipe
    if image is None:
        return None
    return ImageFacts(
        id=image.id,
        name=image.name,
        accepted=image.accepted,
        snapshots=image.snapshots,
        base_image=summary.base_image,
        base_run=makers.get(summary.base_image, ""),
        repository=str((recipe.get("repository") or {}).get("url", "")),
        commit=summary.commit,
        notebook=str((recipe.get("notebook") or {}).get("path") or "notebake's own smoke notebook"),
        verdict=describe_proof(summary, location),
    )
