"""All that a report is made of: read once, from the run store and its record."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from notebake.costs.charges import Allocated, Charge, allocate
from notebake.errors import NotebakeError
from notebake.reports.grant.award_facts import find_award
from notebake.reports.grant.document import AwardFacts, Verification
from notebake.reports.grant.verification import verify_record
from notebake.runs.approvals.approval_log import read_questions
from notebake.runs.approvals.question import Question
from notebake.runs.bills import billed_charges, read_bills
from notebake.runs.charges import RunAccount, read_accounts
from notebake.runs.history import list_rows
from notebake.runs.people import Person, read_people
from notebake.runs.record_check import CheckedRun
from notebake.runs.run_record import record_place
from notebake.timestamps import utc_from_seconds

Days = tuple[datetime.date, datetime.date]
"""The first and the last, both included, in UTC."""


@dataclass(frozen=True)
class Material:
    """What is known of all runs; money only of the days of the report."""

    location: str
    award: AwardFacts
    days: Days
    accounts: Mapping[str, RunAccount]
    charges: tuple[Charge, ...]
    parts: tuple[Allocated, ...]
    people: Mapping[str, Person]
    makers: Mapping[str, str]
    """The run that left each image."""
    questions: tuple[Question, ...]
    """What people were asked to approve."""
    checked: Mapping[str, CheckedRun]
    verification: Verification

    @property
    def ours(self) -> tuple[Allocated, ...]:
        """What counts for the award."""
        number = self.award.number
        return tuple(part for part in self.parts if part.award == number and not part.reason)

    @property
    def runs(self) -> list[str]:
        """The recorded runs for which the award pays, or that named it, in these days."""
        number = self.award.number
        charged = {part.run for part in self.parts if part.award == number}
        executed = {
            run
            for run, account in self.accounts.items()
            if number in account.award_numbers and self._is_executed(account)
        }
        return sorted((charged | executed) & self.accounts.keys())

    def _is_executed(self, account: RunAccount) -> bool:
        return any(_is_in(self.days, at) for at, _ in account.executions)


def read_material(
    award: str, location: str, first: datetime.date | None, last: datetime.date
) -> Material:
    """Read all that a report on an award is made of.

    Raises:
        NotebakeError: nobody knows the award, or the last day comes before the first.
        RunStoreError: the store failed.
    """
    place = record_place(location)
    accounts, charges = read_accounts(place)
    people = read_people(place)
    facts = find_award(award, accounts, people, place)
    charges += billed_charges(read_bills(place), accounts)
    first = first or facts.start or min((each.day for each in charges), default=last)
    if last < first:
        raise NotebakeError(
            f"The last day of the report, {last}, comes before its first, {first}.",
            "Correct --from or --to.",
        )
    checked, verification = verify_record(location)
    days = (first, last)
    return Material(
        location=location,
        award=facts,
        days=days,
        accounts=accounts,
        charges=tuple(charge for charge in charges if _is_in(days, charge.at)),
        parts=tuple(part for part in allocate(charges) if _is_in(days, part.at)),
        people=people,
        makers={row.image_id: row.run_id for row in list_rows(location)[0] if row.image_id},
        questions=tuple(read_questions(location).values()),
        checked=checked,
        verification=verification,
    )


def _is_in(days: Days, seconds: float) -> bool:
    return days[0] <= utc_from_seconds(seconds).date() <= days[1]
