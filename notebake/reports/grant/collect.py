"""Makes the content of a report on an award."""

import datetime
from collections.abc import Iterable, Iterator
from decimal import Decimal

from notebake import clock
from notebake.costs.charges import NO_AWARD, OUTSIDE
from notebake.errors import NextCommand, NotebakeError
from notebake.ledger.entry import Entry, format_time
from notebake.ledger.kinds import ESTIMATED, METERED
from notebake.ledger.redaction import redact
from notebake.ledger.summary import Result
from notebake.local.code_version import code_version, describe_code
from notebake.reports.grant.document import GrantReport, PersonFacts, RunFacts
from notebake.reports.grant.material import Material, read_material
from notebake.reports.grant.money_facts import amounts_of, by_name, hours_by_kind, reconcile
from notebake.reports.grant.run_facts import facts_of_run
from notebake.runs.charges import ODD
from notebake.runs.people import this_person
from notebake.runs.recorded_run import RecordedRun, read_recorded_run
from notebake.timestamps import utc_from_seconds


def collect_report(
    award: str,
    location: str,
    first_day: datetime.date | None = None,
    last_day: datetime.date | None = None,
) -> GrantReport:
    """Return the report on an award; by default from the beginning of its period until today.

    Raises:
        NotebakeError: nobody knows the award, or the last day comes before the first.
        RunStoreError: the store failed.
    """
    last = last_day or utc_from_seconds(clock.now()).date()
    material = read_material(award, location, first_day, last)
    recorded = {run: read_recorded_run(run, location) for run in material.runs}
    runs = tuple(_readable_run(each, material) for each in recorded.values())
    ours = material.ours
    outcomes = {run.id: run.outcome for run in runs}
    charges = [each for each in material.charges if each.run in recorded]
    code = code_version().model_dump()
    return GrantReport(
        made=format_time(clock.now()),
        made_by=this_person().label,
        code=describe_code(code),
        store=redact(location),
        award=material.award,
        first_day=material.days[0],
        last_day=material.days[1],
        runs=runs,
        people=tuple(_people(runs)),
        hours=hours_by_kind(ours, charges),
        months=by_name(ours, lambda part: f"{part.day:%Y-%m}"),
        outcomes=by_name(ours, lambda part: outcomes.get(part.run, "not in the record")),
        total=amounts_of(ours),
        reconciliation=reconcile(material.parts, award),
        outside=by_name(
            (part for part in material.parts if part.award == award and part.reason == OUTSIDE),
            lambda part: part.run,
        ),
        unallocated=by_name(
            (part for part in material.parts if part.reason == NO_AWARD), lambda part: part.run
        ),
        prices=tuple(sorted(_prices(each.entries for each in recorded.values()))),
        verification=material.verification,
    )


def _readable_run(recorded: RecordedRun, material: Material) -> RunFacts:
    run = recorded.summary.run
    try:
        return _run(recorded, material)
    except ODD as error:
        raise NotebakeError(
            f"An entry in the record of run {run} is odd, so there is no report: {error!r}"
        ).with_next(
            NextCommand(("history", "verify", run), "To see whether it was changed")
        ) from error


def _run(recorded: RecordedRun, material: Material) -> RunFacts:
    run, number = recorded.summary.run, material.award.number
    return facts_of_run(
        recorded,
        award=number,
        amounts=amounts_of(part for part in material.ours if part.run == run),
        metered=[each for each in material.charges if each.run == run],
        checked=material.checked[run],
        people=material.people,
        makers=material.makers,
        questions=material.questions,
        days=material.days,
        location=material.location,
    )


def _people(runs: Iterable[RunFacts]) -> Iterator[PersonFacts]:
    """Yield who executed the runs; a run of several people counts for each of them."""
    by_person: dict[str, list[RunFacts]] = {}
    for run in runs:
        for name in run.people or ("unknown",):
            by_person.setdefault(name, []).append(run)
    for name, theirs in sorted(by_person.items()):
        yield PersonFacts(
            name=name,
            runs=len(theirs),
            accepted=sum(run.outcome == Result.ACCEPTED for run in theirs),
            machine_hours=f"{sum((Decimal(run.machine_hours) for run in theirs), Decimal()):f}",
        )


def _prices(chains: Iterable[Iterable[Entry]]) -> set[str]:
    """Return the sources of all prices, each with its day."""
    found = set()
    for entry in (entry for chain in chains for entry in chain):
        lines = {METERED: "lines", ESTIMATED: "build"}.get(entry.kind, "")
        for line in entry.body.get(lines, ()):
            if line.get("price_source"):
                found.add(f"{line['price_source']}, {line['price_date']}")
    return found
