"""The part of a summary about money: the latest estimate, and what was metered last."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from notebake.ledger.entry import Entry
from notebake.ledger.summary import MoneySummary

Line = Mapping[str, Any]


def with_estimate(money: MoneySummary, entry: Entry) -> MoneySummary:
    """Return the money with an estimate that takes the place of the one before."""
    lines = entry.body["build"]
    return money.model_copy(
        update={
            "estimated_usd": _sum(line["usd"] for line in lines),
            "is_estimate_complete": all(line["usd"] is not None for line in lines),
        }
    )


def with_metered(money: MoneySummary, entry: Entry) -> MoneySummary:
    """Return the money with what was metered, which takes the place of what was before."""
    body, lines = entry.body, entry.body["lines"]
    return money.model_copy(
        update={
            "metered_usd": body["usd"],
            "is_metered_complete": bool(body["is_complete"]),
            "metered_until": str(body["until"]),
            "is_over": all(line["is_over"] for line in lines),
            "machine_hours": _hours(lines, "machine", "idle machine"),
            "idle_hours": _hours(lines, "idle machine"),
            "monthly_usd": body["monthly_usd"],
        }
    )


def _sum(amounts: Iterable[str | None]) -> str | None:
    """Return the sum of what is known; None if nothing is."""
    known = [Decimal(amount) for amount in amounts if amount is not None]
    return f"{sum(known, Decimal()):f}" if known else None


def _hours(lines: Iterable[Line], *kinds: str) -> str:
    return _sum(line["hours"] for line in lines if line["what"] in kinds) or "0"
