"""What the ledger has of a run's money: what was expected, and what was metered so far.

The two are never mixed; and what was billed (notebake/runs/bills.py) is in no chain at all.
"""

import logging
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from notebake import clock
from notebake.costs.estimate import CostLine, estimate
from notebake.costs.list_prices import price_of_type, read_list_prices
from notebake.costs.metering import Metered, MeteredLine, meter
from notebake.costs.money import Money
from notebake.ledger.chain import Chain
from notebake.ledger.entry import Entry, latest
from notebake.ledger.kinds import ESTIMATED, METERED
from notebake.runs.run import Run
from notebake.runs.run_record import run_record

log = logging.getLogger(__name__)


def record_estimate(run: Run) -> None:
    """Record the estimate of the recipe's build, if it is another one than was recorded last."""
    chain = run_record(run).chain
    recorded = latest(chain.entries(), ESTIMATED)
    recipe = run.recipe
    read_list_prices((*recipe.instance_types, *recipe.acceptance.instance_types), recipe.region)
    found = estimate(recipe, price_of_type=price_of_type)
    body = {
        "build": [_line(line, found.prices_written) for line in found.build],
        "monthly": [_line(line, found.prices_written) for line in found.monthly],
    }
    if recorded is None or recorded.body != body:
        chain.append(ESTIMATED, body)


def record_metered(chain: Chain) -> None:
    """Record what the run has cost so far, if machines are in its entries."""
    entries = chain.entries()
    metered = meter(entries, price_of_type, now=clock.now(), ending=chain.writer.execution)
    if metered.lines:
        chain.append(METERED, to_body(metered))


def to_body(metered: Metered) -> dict[str, Any]:
    """Return the body of an entry; amounts are text, so that no reader rounds them."""
    body = metered.model_dump(mode="json")
    for written, line in zip(body["lines"], metered.lines, strict=True):
        written["usd"] = _text(line.usd)
    return body | {"usd": _text(metered.usd), "is_complete": metered.is_complete}


def read_metered(entries: Sequence[Entry]) -> Metered | None:
    """Return what an execution metered last; None if none did."""
    recorded = latest(entries, METERED)
    if recorded is None:
        return None
    body = recorded.body
    lines = [
        MeteredLine.model_validate(
            {key: line[key] for key in MeteredLine.model_fields if key in line}
        )
        for line in body["lines"]
    ]
    known = {key: body[key] for key in ("until", "monthly_usd")}
    return Metered(lines=tuple(lines), **known)


def find_unseen(entries: Sequence[Entry]) -> list[str]:
    """Return the machines of what was metered last of which EC2 did not say when they ended."""
    recorded = latest(entries, METERED)
    lines = recorded.body.get("lines", ()) if recorded else ()
    return sorted({line["resource"] for line in lines if line.get("is_at_most")})


def _line(line: CostLine, written: str) -> dict[str, Any]:
    """Return a line of an entry; `written` is the day of the table."""
    usd = exact_usd(line)
    price = None if line.unit_price_usd is None else str(line.unit_price_usd)
    return {
        "what": line.what,
        "quantity": str(line.quantity),
        "unit": line.unit,
        "unit_price_usd": price,
        "usd": _text(usd),
        "price_source": line.price_source,
        "price_date": line.price_date or written,
    }


def exact_usd(line: CostLine) -> Money:
    """Return the costs of a line without a rounding of binary fractions."""
    if line.unit_price_usd is None:
        return None
    return Decimal(str(line.quantity)) * Decimal(str(line.unit_price_usd))


def _text(amount: Money) -> str | None:
    return None if amount is None else f"{amount:f}"
