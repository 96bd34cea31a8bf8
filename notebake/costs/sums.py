"""Sums of charges by run, recipe, person or award, in columns that are never mixed."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from notebake.costs.charges import Allocated, Column
from notebake.costs.money import Money
from notebake.record import Record


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


def report(parts: Iterable[Allocated], name_of: Callable[[Allocated], str]) -> Report:
    """Return the sums by a name; what counts for no award is shown apart as well."""
    parts = list(parts)
    rows = _rows([(name_of(part), "", part) for part in parts])
    return Report(rows=rows, apart=report_by_award(parts).apart, total=_total(rows))


def report_by_award(parts: Iterable[Allocated]) -> Report:
    """Return the sums by award; what counts for none is apart only. Together they are the total."""
    every = _rows([(part.award, part.reason, part) for part in parts])
    return Report(
        rows=tuple(row for row in every if not row.detail),
        apart=tuple(row for row in every if row.detail),
        total=_total(every),
    )


def _rows(named: Sequence[tuple[str, str, Allocated]]) -> tuple[Row, ...]:
    """Return the sums of each name and detail."""
    sums: dict[tuple[str, str], dict[Column, Amount]] = {}
    for name, detail, part in named:
        amounts = sums.setdefault((name, detail), {})
        amounts[part.column] = _add(amounts.get(part.column, Amount()), part.usd)
    return tuple(Row(name=key[0], detail=key[1], amounts=sums[key]) for key in sorted(sums))


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
