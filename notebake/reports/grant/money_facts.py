"""The tables of money in a report; all amounts are whole cents, so all of them agree."""

from collections.abc import Callable, Iterable
from decimal import Decimal

from notebake.costs.charges import NO_AWARD, OUTSIDE, Allocated, Charge
from notebake.costs.sums import Row, report
from notebake.reports.grant.document import Amounts, HoursFacts, NamedAmounts

KINDS = ("machine", "idle machine", "disks", "public address")


def amounts_of(parts: Iterable[Allocated]) -> Amounts:
    """Return the sums of some parts."""
    return _amounts(report(parts, lambda _: "").total)


def by_name(
    parts: Iterable[Allocated], name_of: Callable[[Allocated], str]
) -> tuple[NamedAmounts, ...]:
    """Return the sums of parts by a name."""
    rows = report(parts, name_of).rows
    return tuple(NamedAmounts(name=row.name, amounts=_amounts(row)) for row in rows)


def reconcile(parts: Iterable[Allocated], award: str) -> tuple[NamedAmounts, ...]:
    """Return what all runs cost: for an award, for others, and for none."""
    parts = list(parts)
    named = (
        ("this award", [part for part in parts if part.award == award and not part.reason]),
        (f"this award, {OUTSIDE}", [p for p in parts if p.award == award and p.reason == OUTSIDE]),
        ("other awards", [part for part in parts if part.award not in {"", award}]),
        (NO_AWARD, [part for part in parts if not part.award]),
        ("all runs of the store", parts),
    )
    return tuple(NamedAmounts(name=name, amounts=amounts_of(each)) for name, each in named)


def hours_by_kind(parts: Iterable[Allocated], charges: Iterable[Charge]) -> tuple[HoursFacts, ...]:
    """Return for how long each kind of thing was there, and the share of that in the costs."""
    parts, charges = list(parts), list(charges)
    found = []
    for kind in KINDS:
        paid = [part for part in parts if part.what == kind]
        found.append(
            HoursFacts(what=kind, hours=hours_of(charges, [kind]), amounts=amounts_of(paid))
        )
    return tuple(found)


def hours_of(charges: Iterable[Charge], kinds: Iterable[str]) -> str:
    """Return the hours of some kinds of things, to the second."""
    wanted = set(kinds)
    hours = sum((each.hours for each in charges if each.what in wanted), Decimal())
    return f"{hours:.4f}"


def _amounts(row: Row) -> Amounts:
    amounts = {str(column): amount for column, amount in row.amounts.items()}
    known = {column: f"{amount.usd:.2f}" for column, amount in amounts.items() if amount.has_known}
    unknown = tuple(column for column, amount in amounts.items() if amount.has_unknown)
    return Amounts(**known, unknown=unknown)
