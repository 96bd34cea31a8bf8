"""What was billed, as a person exported it: files beside the record of runs, in no chain of any.

Each file holds the hash of the export. A later import takes the place of what earlier ones have of
the same runs, from its first day to its last; who goes back to an earlier one imports that again.
"""

import datetime
from collections.abc import Iterable, Mapping
from pathlib import Path

from notebake import clock
from notebake.costs.bill import BilledAmount, BillError, parse_bill
from notebake.costs.charges import Charge, Column
from notebake.ledger.chain import RecordPlace
from notebake.ledger.entry import format_time, hash_of
from notebake.recipe.file import read_text
from notebake.record import Record
from notebake.runs.charges import RunAccount
from notebake.runs.people import pseudonym_of, this_person

NAME = "billed-"
AT_ONCE_SECONDS = 60.0


class Bill(Record):
    """One export."""

    file: str
    sha256: str
    """Of the exported file's text."""
    imported: str
    who: str
    amounts: tuple[BilledAmount, ...]

    @property
    def first_day(self) -> datetime.date:
        return min(amount.day for amount in self.amounts)

    @property
    def last_day(self) -> datetime.date:
        """The last day; the last of its month if the export is by month."""
        last = max(amount.day for amount in self.amounts)
        if any(amount.day.day != 1 for amount in self.amounts):
            return last
        return (last + datetime.timedelta(days=31)).replace(day=1) - datetime.timedelta(days=1)

    def replaces(self, other: "Bill") -> bool:
        """Return whether a later import of this one takes the place of amounts of the other one."""
        runs = {amount.run for amount in self.amounts}
        return any(
            amount.run in runs and self.first_day <= amount.day <= self.last_day
            for amount in other.amounts
        )


def import_bill(path: Path, place: RecordPlace) -> Bill:
    """Store an export, and return it; what counts already is not stored again.

    Raises:
        BillError: it is no such export, or has no amount of any run.
    """
    text = read_text(path, str(path))
    amounts = parse_bill(text, str(path))
    if not amounts:
        raise BillError(f"{path} has no amount with the tag notebake:run.")
    digest = hash_of(text.encode())
    bill = Bill(
        file=path.name,
        sha256=digest,
        imported=format_time(clock.now()),
        who=pseudonym_of(this_person(), place),
        amounts=tuple(amounts),
    )
    earlier = read_bills(place)
    times = [at for at, each in enumerate(earlier) if each.sha256 == digest]
    if not times or any(later.replaces(bill) for later in earlier[times[-1] + 1 :]):
        again = f"-{len(times)}" if times else ""
        key = f"{place.prefix}{NAME}{digest[:16]}{again}.json"
        place.store.create(key, bill.model_dump_json(indent=1).encode())
    return bill


def read_bills(place: RecordPlace) -> list[Bill]:
    """Return all exports, in the order of their imports."""
    keys = place.store.list(f"{place.prefix}{NAME}")
    bills = [Bill.model_validate_json(stored.content) for stored in place.store.read_all(keys)]
    return sorted(bills, key=lambda bill: bill.imported)


def billed_charges(bills: Iterable[Bill], accounts: Mapping[str, RunAccount]) -> list[Charge]:
    """Return what was billed, each amount from the latest export that has it."""
    latest: dict[tuple[str, datetime.date], BilledAmount] = {}
    for bill in bills:
        runs = {amount.run for amount in bill.amounts}
        for run, day in list(latest):
            if run in runs and bill.first_day <= day <= bill.last_day:
                del latest[run, day]
        latest |= {(amount.run, amount.day): amount for amount in bill.amounts}
    # A zero only says that the export covers the day.
    return [_charge(amount, accounts) for amount in latest.values() if amount.usd]


def _charge(amount: BilledAmount, accounts: Mapping[str, RunAccount]) -> Charge:
    """Return the charge of an amount; of a month in which the run began, from its beginning."""
    account = accounts.get(amount.run) or RunAccount(run=amount.run)
    midnight = datetime.datetime.combine(amount.day, datetime.time(), datetime.UTC).timestamp()
    # The awards are recorded just after the execution has begun.
    began = [account.executions[0][0]] if account.executions else []
    named = [at for at, _ in account.awards[:1] if began and at < began[0] + AT_ONCE_SECONDS]
    return account.charge(Column.BILLED, max([midnight, *began, *named]), amount.usd)
