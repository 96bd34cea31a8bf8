"""Charges, in columns that are never mixed, and their shares in whole cents.

Estimated is what a build should cost, metered what follows from EC2's times and dated prices, and
billed what a person exported from AWS. A charge counts for the awards that paid at its beginning.
"""

import datetime
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from enum import StrEnum

from notebake.costs.money import Money, in_cents
from notebake.record import Record
from notebake.timestamps import utc_from_seconds

HUNDRED = Decimal(100)
NO_AWARD = "no award"
OUTSIDE = "outside of its period"


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
    what: str = ""
    """Of a metered charge: machine, idle machine, disks, public address."""
    hours: Decimal = Decimal()
    """For how long, of a metered charge."""

    @property
    def day(self) -> datetime.date:
        return utc_from_seconds(self.at).date()


class Allocated(Charge):
    """The part of a charge that one award pays, or none; the amount in whole cents."""

    award: str = ""
    reason: str = ""
    """Why it counts for no award: `NO_AWARD` or `OUTSIDE`; "" if it counts."""


def allocate(charges: Iterable[Charge]) -> list[Allocated]:
    """Return the parts of charges, one for each award that pays.

    What a run has in a column is rounded to the cent once, and split among its awards so that
    nothing is lost. So each sum of parts is a sum of whole cents, however they are put together.
    Give all charges of a run, and choose among the parts.
    """
    by_run: dict[tuple[str, Column], list[Charge]] = {}
    for charge in charges:
        by_run.setdefault((charge.run, charge.column), []).append(charge)
    return [part for group in by_run.values() for part in _in_cents(group)]


def _in_cents(charges: Sequence[Charge]) -> Iterator[Allocated]:
    """Yield the parts of what one run has in one column."""
    by_award: dict[tuple[str, str], list[Allocated]] = {}
    for charge in charges:
        for part in _shares_of(charge):
            by_award.setdefault((part.award, part.reason), []).append(part)
    sums = [
        sum((part.usd or Decimal() for part in parts), Decimal()) for parts in by_award.values()
    ]
    for parts, usd in zip(by_award.values(), in_cents(sums), strict=True):
        known = [part for part in parts if part.usd is not None]
        cents = iter(in_cents([part.usd or Decimal() for part in known], usd))
        for part in parts:
            yield part if part.usd is None else part.model_copy(update={"usd": next(cents)})


def _shares_of(charge: Charge) -> Iterator[Allocated]:
    """Yield a charge in its shares, not yet rounded."""
    shares = charge.awards or (AwardShare(number="", percent=HUNDRED),)
    for share in shares:
        is_in_period = share.covers(charge.day)
        yield Allocated(
            **dict(charge),
            award=share.number,
            reason=NO_AWARD if not share.number else "" if is_in_period else OUTSIDE,
        ).model_copy(
            update={"usd": None if charge.usd is None else charge.usd * share.percent / HUNDRED}
        )
