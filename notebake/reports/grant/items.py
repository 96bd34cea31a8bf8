"""What was metered of a run, item by item."""

from collections.abc import Iterator, Sequence

from notebake.ledger.entry import Entry
from notebake.reports.grant.document import Item
from notebake.runs.charges import read_lines


def find_items(run: str, entries: Sequence[Entry], first: str, last: str) -> Iterator[Item]:
    """Yield the items that began in some days, both included, given as 2026-11-29."""
    for line in read_lines(entries):
        if first <= line.start[:10] <= last:
            yield Item(
                run=run,
                what=line.what,
                resource=line.resource,
                detail=line.described,
                start=line.start,
                end=line.end,
                hours=f"{line.hours:.4f}",
                usd_per_hour=None if line.usd_per_hour is None else f"{line.usd_per_hour:f}",
                usd=None if line.usd is None else f"{line.usd:f}",
            )
