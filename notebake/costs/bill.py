"""Reads what a person exported from AWS as CSV: from Cost Explorer, or a Cost and Usage Report.

Cost Explorer, grouped by the tag notebake:run, has a column for each run and a row for each day or
month. A Cost and Usage Report has a row for each item. Columns are found by their names.
"""

import csv
import datetime
import io
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation

from notebake.errors import NotebakeError
from notebake.record import Record

TAG = "notebake:run"
RUN_COLUMNS = (
    *("resourcetags/user:notebake:run", "resource_tags_user_notebake_run", "notebake:run"),
    "user:notebake:run",
)
USD_COLUMNS = ("lineitem/unblendedcost", "line_item_unblended_cost", "unblendedcost", "cost")
DAY_COLUMNS = ("lineitem/usagestartdate", "line_item_usage_start_date", "usagestartdate", "date")
CURRENCY_COLUMNS = ("lineitem/currencycode", "line_item_currency_code", "currencycode")
OF_RUN = re.compile(r"(?:(?:user:)?notebake:run\$)?(?P<run>.*?)\s*(?:\((?P<unit>[^()]*)\))?")
"""The name of a column of Cost Explorer: `notebake:run$RUN($)`, or `RUN($)`."""
UNTAGGED = re.compile(r"(no tag ?key: .*|total costs)?", re.IGNORECASE)
MAX_FAULTS = 20
HINT = (
    "Export from Cost Explorer, grouped by the tag notebake:run, or from a Cost and Usage Report"
    " with that tag. The tag must be activated as a cost allocation tag."
)


class BilledAmount(Record):
    """What AWS charges for a run on a day, or in the month that begins with it."""

    run: str
    day: datetime.date
    usd: Decimal


class BillError(NotebakeError):
    """A file is no such export; the message names rows and columns."""


class _Faults:
    """The faults of a file, each with its row and column."""

    def __init__(self, name: str) -> None:
        self._name, self._found = name, list[str]()

    def add(self, row: int, column: str, text: str) -> None:
        self._found.append(f"{self._name}:{row}: column {column}: {text}")

    def check(self) -> None:
        """Raise BillError if there are any."""
        if self._found:
            more = len(self._found) - MAX_FAULTS
            rest = [f"… and {more} more"] if more > 0 else []
            raise BillError("\n".join([*self._found[:MAX_FAULTS], *rest]), HINT)


def parse_bill(text: str, name: str) -> list[BilledAmount]:
    """Return the amounts by run and day; `name` precedes each fault. Untagged costs are left out.

    Raises:
        BillError: names all faults.
    """
    rows = list(csv.reader(io.StringIO(text)))
    header = [cell.strip() for cell in rows[0]] if rows else []
    faults = _Faults(name)
    items = _by_item(header, rows, faults)
    found = list(_by_day(header, rows, faults)) if items is None else items
    faults.check()
    sums: dict[tuple[str, datetime.date], Decimal] = {}
    for run, day, usd in found:
        sums[run, day] = sums.get((run, day), Decimal()) + usd
    return [BilledAmount(run=run, day=day, usd=usd) for (run, day), usd in sorted(sums.items())]


Item = tuple[str, datetime.date, Decimal]


def _by_item(
    header: Sequence[str], rows: Sequence[Sequence[str]], faults: _Faults
) -> list[Item] | None:
    """Return the items of a Cost and Usage Report; None if it is no such report."""
    run_at, usd_at = _find(header, RUN_COLUMNS), _find(header, USD_COLUMNS)
    day_at, currency_at = _find(header, DAY_COLUMNS), _find(header, CURRENCY_COLUMNS)
    if usd_at is None:
        return None
    for at, wanted in ((run_at, RUN_COLUMNS[0]), (day_at, DAY_COLUMNS[0])):
        if at is None:
            faults.add(1, wanted, "is missing")
    if run_at is None or day_at is None:
        return []
    items = []
    for number, row in _numbered(header, rows, faults):
        if not (run := row[run_at].strip()):
            continue
        if currency_at is not None and row[currency_at] != "USD":
            faults.add(number, header[currency_at], f"must be USD, not {row[currency_at]!r}")
        day = _read_day(row[day_at], number, header[day_at], faults)
        usd = _read_usd(row[usd_at], number, header[usd_at], faults)
        if day and usd is not None:
            items.append((run, day, usd))
    return items


def _by_day(
    header: Sequence[str], rows: Sequence[Sequence[str]], faults: _Faults
) -> Iterator[Item]:
    """Yield the amounts of an export from Cost Explorer."""
    if not any(TAG in name for name in header):
        faults.add(1, "1", f"no column names the tag {TAG} or an unblended cost")
        return
    columns = {}
    for at, name in enumerate(header[1:], start=1):
        found = OF_RUN.fullmatch(name)
        if not found or UNTAGGED.fullmatch(found["run"]):
            continue
        columns[at] = found["run"]
        if found["unit"] != "$":
            faults.add(1, name, "must be in USD and end with ($)")
    for number, row in _numbered(header, rows, faults):
        if not row[0] or row[0].lower().endswith(" total"):
            continue
        day = _read_day(row[0], number, header[0] or "1", faults)
        for at, run in columns.items():
            usd = _read_usd(row[at], number, header[at], faults)
            if day and usd is not None:
                yield run, day, usd


def _numbered(
    header: Sequence[str], rows: Sequence[Sequence[str]], faults: _Faults
) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield the rows below the header with their numbers in the file; empty ones are left out."""
    for number, row in enumerate(rows[1:], start=2):
        if len(row) == len(header):
            yield number, row
        elif any(row):
            faults.add(number, str(len(row)), f"{len(row)} cells, but the header has {len(header)}")


def _find(header: Sequence[str], names: Sequence[str]) -> int | None:
    """Return the index of the first of the names that is a column."""
    lower = [name.lower() for name in header]
    return next((lower.index(name) for name in names if name in lower), None)


def _read_day(text: str, row: int, column: str, faults: _Faults) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text.strip()[:10])
    except ValueError:
        faults.add(row, column, f"must begin with a day such as 2026-11-01, not {text!r}")
        return None


def _read_usd(text: str, row: int, column: str, faults: _Faults) -> Decimal | None:
    try:
        amount = Decimal(text.strip() or "0")
    except InvalidOperation:
        amount = Decimal("NaN")
    if amount.is_finite():
        return amount
    faults.add(row, column, f"must be an amount such as 1.25, not {text!r}")
    return None
