"""What is known of an award: from the file of awards, or else as a run recorded it."""

import datetime
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from notebake.costs.awards import awards_path, read_awards
from notebake.errors import NotebakeError
from notebake.ledger.chain import Chain, RecordPlace, Writer
from notebake.ledger.entry import Entry
from notebake.ledger.kinds import AWARD
from notebake.reports.grant.document import AwardFacts
from notebake.runs.charges import RunAccount
from notebake.runs.people import Person, name_of

YEARS_KEPT = 3
"""From the final report on: 2 CFR 200.334."""


def find_award(
    number: str,
    accounts: Mapping[str, RunAccount],
    people: Mapping[str, Person],
    place: RecordPlace,
) -> AwardFacts:
    """Return what is known of an award; `accounts` are those of all runs, by run id.

    Raises:
        NotebakeError: neither the file nor any run names it.
        RecipeError: the file cannot be read.
    """
    listed = read_awards()
    if known := listed.get(number):
        return _facts(number, known.model_dump(mode="json"), str(awards_path()))
    naming = [run for run, account in accounts.items() if number in account.award_numbers]
    if not naming:
        named = {each for account in accounts.values() for each in account.award_numbers}
        raise _unknown(number, {*listed, *named})
    for run in sorted(naming, reverse=True):
        for row in _recorded(number, Chain(place, run, Writer()).entries()):
            row["pi"] = name_of(row.get("pi", ""), people)
            return _facts(number, row, f"run {run}")
    return AwardFacts(number=number)


def describe_awards(
    entries: Iterable[Entry], number: str
) -> Iterator[tuple[Entry, dict[str, Any]]]:
    """Yield what the entries of a run say of an award, with the entry that says it."""
    for entry in entries:
        for award in entry.body["awards"] if entry.kind == AWARD else ():
            if award["number"] == number:
                yield entry, award


def _recorded(number: str, entries: Iterable[Entry]) -> Iterator[dict[str, Any]]:
    """Yield the rows of the file of awards that a run has recorded."""
    for _, award in describe_awards(entries, number):
        if award["known"]:
            yield dict(award["known"])


def _facts(number: str, row: Mapping[str, Any], source: str) -> AwardFacts:
    final = row.get("final_report")
    return AwardFacts(
        number=number,
        title=row.get("title", ""),
        investigator=row.get("pi", ""),
        start=row.get("start"),
        end=row.get("end"),
        final_report=final,
        keep_until=_years_later(datetime.date.fromisoformat(final)) if final else None,
        source=source,
    )


def _years_later(day: datetime.date) -> datetime.date:
    try:
        return day.replace(year=day.year + YEARS_KEPT)
    except ValueError:
        return day.replace(year=day.year + YEARS_KEPT, month=3, day=1)


def _unknown(number: str, known: Iterable[str]) -> NotebakeError:
    names = sorted(known)
    near = get_close_matches(number, names, 1)
    offered = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(names) or 'none'}."
    return NotebakeError(
        f"Neither {awards_path()} nor any run of this store names the award {number}.", offered
    )
