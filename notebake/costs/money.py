"""Sums of money as text; an unknown price is stated, never counted as 0."""

from notebake.costs.estimate import CostLine

SMALLEST_SHOWN_USD = 0.01


def format_estimate(lines: tuple[CostLine, ...]) -> str:
    """Return the sum: `about $0.62`, or `at least …` if a price is unknown."""
    known = sum(line.usd for line in lines if line.usd is not None)
    if all(line.usd is None for line in lines):
        return "no price known"
    if any(line.usd is None for line in lines):
        return f"at least ${known:.2f}"
    return f"about ${known:.2f}" if known >= SMALLEST_SHOWN_USD else "less than $0.01"


def format_monthly(usd: float | None) -> str:
    """Return a price for a column: `$70.08`, `no price`, or `-` for no costs."""
    if usd is None:
        return "no price"
    return f"${usd:.2f}" if usd else "-"


def format_sum(costs: list[float | None]) -> str:
    """Return the sum of monthly costs; an unknown price makes it `at least …`."""
    known = sum(cost for cost in costs if cost is not None)
    if not known and None in costs:
        return "no price known"
    return f"at least ${known:.2f}" if None in costs else f"about ${known:.2f}"
