"""Money: exact sums, shares that add up to the cent, and how it is written."""

from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

from notebake.record import Record

CENT = Decimal("0.01")
Money = Decimal | None
"""US dollars; None if unknown, which is never 0."""


class Price(Record):
    """A price per hour, where it is from, and of which day."""

    usd: Decimal
    source: str
    date: str


PriceOfType = Callable[[str, str], Price | None]
"""Returns the hourly price of an instance type in a region."""


def sum_known(amounts: Iterable[Money]) -> Money:
    """Return the sum of the known amounts; None if there are some and none is known."""
    amounts = list(amounts)
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal()) if known or not amounts else None


def round_to_cents(amount: Decimal) -> Decimal:
    """Return the amount in whole cents, half a cent up."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def in_cents(parts: Sequence[Decimal], total: Money = None) -> list[Decimal]:
    """Return parts in whole cents that sum to the exact sum in whole cents, or to `total`.

    The cents that rounding down leaves over go to the parts that lost most by it, to the first ones
    among equals (largest remainder). `total` is in whole cents, and within a cent of the exact sum.
    """
    floors = [part.quantize(CENT, ROUND_FLOOR) for part in parts]
    wanted = round_to_cents(sum(parts, Decimal())) if total is None else total
    cents = int((wanted - sum(floors, Decimal())) / CENT)
    order = sorted(range(len(parts)), key=lambda index: floors[index] - parts[index])
    for index in order[:cents]:
        floors[index] += CENT
    return floors


def format_usd(amount: Money, *, is_complete: bool = True) -> str:
    """Return an amount for a column: `1.20`, `≥ 1.20` if a price is unknown, or `?` for none."""
    if amount is None:
        return "?"
    return f"{'' if is_complete else '≥ '}{round_to_cents(amount):.2f}"
