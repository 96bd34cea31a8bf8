"""The charges of all runs of a store, from their ledgers and from what was billed."""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any, TypeVar

from notebake.costs.charges import AwardShare, Charge, Column
from notebake.costs.list_prices import price_of_type
from notebake.costs.metering import MeteredLine, meter
from notebake.costs.recorded_clock import RecordedClock, parse_time
from notebake.ledger.chain import Chain, RecordPlace, Writer
from notebake.ledger.entry import Entry, latest
from notebake.ledger.kinds import AWARD, BEGAN, ESTIMATED, EXECUTING, METERED, RECIPE
from notebake.record import Record
from notebake.runs.money_record import read_metered
from notebake.runs.run_record import recorded_runs

log = logging.getLogger(__name__)
READERS = 8
ODD = (ArithmeticError, AttributeError, KeyError, TypeError, ValueError)
"""What reading an entry raises whose body is not as its kind has it; `verify` says if it fits."""
T = TypeVar("T")


class RunAccount(Record):
    """What is needed of a run to say to whom its charges belong."""

    run: str
    recipe: str = ""
    executions: tuple[tuple[float, str], ...] = ()
    """When each execution began, and who began it."""
    awards: tuple[tuple[float, tuple[AwardShare, ...]], ...] = ()
    """From when on which awards paid."""

    @property
    def award_numbers(self) -> frozenset[str]:
        """All awards that the run has ever named."""
        return frozenset(share.number for _, shares in self.awards for share in shares)

    def charge(self, column: Column, at: float, usd: Decimal | None) -> Charge:
        """Return a charge that began at some time, by AWS's clock."""
        who = _latest(self.executions, at) or (self.executions[0][1] if self.executions else "")
        return Charge(
            column=column,
            at=at,
            usd=usd,
            run=self.run,
            recipe=self.recipe,
            who=who,
            awards=_latest(self.awards, at) or (),
        )


def read_accounts(place: RecordPlace) -> tuple[dict[str, RunAccount], list[Charge]]:
    """Return all runs of the record, and what was estimated and metered for them."""

    def read(run: str) -> tuple[RunAccount, list[Charge]]:
        entries = Chain(place, run, Writer()).entries()
        try:
            account = account_of(run, entries)
            return account, list(charges_of(account, entries))
        except ODD as error:
            log.warning("What run %s cost is unknown, as an entry of it is odd: %r", run, error)
            account = RunAccount(run=run)
            return account, [account.charge(Column.METERED, entries[0].at, None)]

    with ThreadPoolExecutor(READERS) as pool:
        found = list(pool.map(read, sorted(recorded_runs(place))))
    accounts = {account.run: account for account, _ in found}
    return accounts, [charge for _, charges in found for charge in charges]


def account_of(run: str, entries: Sequence[Entry]) -> RunAccount:
    """Return to whom the charges of a run belong, by its entries."""
    times = RecordedClock(entries)

    def all_of(kind: str, read: Callable[[Entry], Any]) -> tuple[tuple[float, Any], ...]:
        return tuple((times.time_of(each), read(each)) for each in entries if each.kind == kind)

    recorded = latest(entries, BEGAN, RECIPE)
    return RunAccount(
        run=run,
        recipe=recorded.body["recipe"].get("name", "") if recorded else "",
        executions=all_of(EXECUTING, lambda entry: entry.who),
        awards=all_of(AWARD, lambda entry: tuple(map(_share_of, entry.body["awards"]))),
    )


def charges_of(account: RunAccount, entries: Sequence[Entry]) -> Iterator[Charge]:
    """Yield what was estimated last, and each line of what was metered last."""
    if estimated := latest(entries, ESTIMATED):
        at = RecordedClock(entries).time_of(estimated)
        for line in estimated.body["build"]:
            usd = None if line["usd"] is None else Decimal(line["usd"])
            yield account.charge(Column.ESTIMATED, at, usd)
    for each in read_lines(entries):
        charge = account.charge(Column.METERED, parse_time(each.start) or 0.0, each.usd)
        yield charge.model_copy(
            update={"is_over": each.is_over, "what": each.what, "hours": each.hours}
        )


def read_lines(entries: Sequence[Entry]) -> tuple[MeteredLine, ...]:
    """Return each line of what was metered last.

    Of an execution that was killed before it metered, what its entries show is metered now.
    """
    later = latest(entries, EXECUTING, METERED)
    metered = read_metered(entries) if later and later.kind == METERED else None
    if metered is None and entries:
        metered = meter(entries, price_of_type, now=entries[-1].at)
    return metered.lines if metered else ()


def _share_of(award: dict[str, Any]) -> AwardShare:
    known = award["known"] or {}
    return AwardShare(
        number=award["number"],
        percent=Decimal(award["share"]),
        title=known.get("title", ""),
        start=known.get("start"),
        end=known.get("end"),
    )


def _latest(changes: Sequence[tuple[float, T]], at: float) -> T | None:
    """Return what has held since the latest change up to a time."""
    found = [value for time, value in changes if time <= at]
    return found[-1] if found else None
