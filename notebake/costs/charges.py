"""Charges, and their sums by run, recipe, person or award, in columns that are never mixed.

Estimated is what a build should cost, metered what follows from EC2's times and dated prices, and
billed what a person exported from AWS. A charge counts for the awards that paid at its beginning.
"""

import datetime
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from enum import StrEnum

from notebake.costs.money import Money, in_cents
from notebake.record import Record
from notebake.timestamps import utc_from_seconds

HUNDRED = Decimal(100)


class Column(StrEnum):
    """Where an amount is from."""

    ESTIMATED = "estimated"
    METERED = "metered"
    BILLED = "billed"
    STANDING = "standing"
    """What exists costs in a month from now on: a table of its own."""


class AwardShare(Record):
    """An award with its share, and its period if that was known."""

    number: str
    percent: Decimal
    title: str = ""
    start: datetime.date | None = None
    end: datetime.date | None = None

    def covers(self, day: datetime.date) -> bool:
        """Return whether a day is in the period; an unknown period covers every day."""
        is_late = self.end is not None and day > self.end
        return not is_late and not (self.start is not None and day < self.start)


class Charge(Record):
    """An amount in one column; None if its price is unknown."""

    column: Column
    at: float
    """When it began: seconds since 1970."""
    usd: Money
    run: str
    recipe: str = ""
    who: str = ""
    """A pseudonym."""
    awards: tuple[AwardShare, ...] = ()
    is_over: bool = True
    """False if it went on when it was metered."""

    @property
    def day(self) -> datetime.date:
        return utc_from_seconds(self.at).date()


class Amount(Record):
    """A sum of charges in one column."""

    usd: Decimal = Decimal()
    """In whole cents, in a report; what is unknown is not in it."""
    has_known: bool = False
    has_unknown: bool = False


class Row(Record):
    """The sums of one run, recipe, person or award."""

    name: str
    detail: str = ""
    amounts: dict[Column, Amount]
    """Only the columns in which it has charges."""


class Report(Record):
    """The rows, what counts for no award, and all together."""

    rows: tuple[Row, ...]
    apart: tuple[Row, ...] = ()
    """What has no award, or lies outside of its award's period; parts of the rows, but by award."""
    total: Row


NO_AWARD = "no award"
OUTSIDE = "outside of its period"


def report(charges: Iterable[Charge], name_of: Callable[[Charge], str]) -> Report:
    """Return the sums by a name; what counts for no award is shown apart as well."""
    charges = list(charges)
    rows = _rows([(name_of(charge), "", charge) for charge in charges])
    # Rounded as by award, so that the same sum is the same number in each report.
    return Report(rows=rows, apart=report_by_award(charges).apart, total=_total(rows))


def report_by_award(charges: Iterable[Charge]) -> Report:
    """Return the sums by award; what counts for none is apart only. Together they are the total."""
    parts = _by_award(charges)
    every = _rows(parts)
    return Report(
        rows=tuple(row for row in every if not row.detail),
        apart=tuple(row for row in every if row.detail),
        total=_total(every),
    )


def _by_award(charges: Iterable[Charge]) -> list[tuple[str, str, Charge]]:
    """Return each charge in its shares, as (award, why it counts for none or "", share)."""
    parts: list[tuple[str, str, Charge]] = []
    for charge in charges:
        if not charge.awards:
            parts.append(("", NO_AWARD, charge))
        for award in charge.awards:
            usd = None if charge.usd is None else charge.usd * award.percent / HUNDRED
            why = "" if award.covers(charge.day) else OUTSIDE
            parts.append((award.number, why, charge.model_copy(update={"usd": usd})))
    return parts


def _rows(parts: Sequence[tuple[str, str, Charge]]) -> tuple[Row, ...]:
    """Return the sums of each name and detail, in whole cents that add up in each column."""
    keys = sorted({(name, detail) for name, detail, _ in parts})
    sums: dict[tuple[str, str], dict[Column, Amount]] = {key: {} for key in keys}
    for name, detail, charge in parts:
        amounts = sums[name, detail]
        amounts[charge.column] = _add(amounts.get(charge.column, Amount()), charge.usd)
    for column in Column:
        having = [key for key in keys if column in sums[key]]
        rounded = in_cents([sums[key][column].usd for key in having])
        for key, usd in zip(having, rounded, strict=True):
            sums[key][column] = sums[key][column].model_copy(update={"usd": usd})
    return tuple(Row(name=key[0], detail=key[1], amounts=sums[key]) for key in keys)


def _total(rows: Iterable[Row]) -> Row:
    amounts: dict[Column, Amount] = {}
    for row in rows:
        for column, amount in row.amounts.items():
            before = amounts.get(column, Amount())
            amounts[column] = Amount(
                usd=before.usd + amount.usd,
                has_known=before.has_known or amount.has_known,
                has_unknown=before.has_unknown or amount.has_unknown,
            )
    return Row(name="in all", amounts=amounts)


def _add(amount: Amount, usd: Money) -> Amount:
    if usd is None:
        return amount.model_copy(update={"has_unknown": True})
    return amount.model_copy(update={"usd": amount.usd + usd, "has_known": True})
