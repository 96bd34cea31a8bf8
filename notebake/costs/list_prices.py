"""Prices of instance types: AWS's list, read at most once in 30 days; else notebake's own table.

What was read is in `prices.json` in notebake's home, with its day. Whoever may not read the list,
or cannot reach it, gets the price of the table, and is not asked again for a day.
"""

import datetime
import logging
from collections.abc import Iterable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from notebake import clock
from notebake.aws.partitions import partition_of
from notebake.aws.price_list import list_price
from notebake.costs.money import Price
from notebake.costs.prices import table_price
from notebake.errors import NotebakeError
from notebake.local.atomic_files import write_file
from notebake.local.home import home
from notebake.record import Record
from notebake.timestamps import utc_from_seconds

log = logging.getLogger(__name__)
SOURCE = "AWS Price List"
FILE = "prices.json"
KEPT = datetime.timedelta(days=30)
KEPT_AFTER_FAILURE = datetime.timedelta(days=1)


class ListedPrice(Record):
    """What the list said, or that it gave no answer."""

    usd_per_hour: Decimal | None
    read: datetime.date
    """The day on which it was read."""

    def holds_on(self, day: datetime.date) -> bool:
        kept = KEPT if self.usd_per_hour is not None else KEPT_AFTER_FAILURE
        return abs(day - self.read) < kept


LISTED = TypeAdapter(dict[str, ListedPrice])


def read_list_prices(instance_types: Iterable[str], region: str) -> None:
    """Read the list prices that are not known yet, and keep them; a failure is only logged."""
    today = _today()
    known = _read_kept()
    wanted = [name for name in instance_types if not _holds(known, name, region, today)]
    if not wanted or partition_of(region) != "aws":
        return
    for name in dict.fromkeys(wanted):
        try:
            usd = list_price(name, region)
        except NotebakeError as error:
            log.info("Prices are those of notebake's own table: %s", error.message)
            failed = ListedPrice(usd_per_hour=None, read=today)
            known |= {_key(other, region): failed for other in wanted}
            break
        known[_key(name, region)] = ListedPrice(usd_per_hour=usd, read=today)
    with suppress(NotebakeError, OSError):
        write_file(_path(), LISTED.dump_json(known, indent=2))


def price_of_type(instance_type: str, region: str) -> Price | None:
    """Return the hourly price that was read from the list, or the table's; asks nobody."""
    known = _read_kept()
    found = known.get(_key(instance_type, region))
    if found and found.usd_per_hour is not None and found.holds_on(_today()):
        return Price(usd=found.usd_per_hour, source=SOURCE, date=found.read.isoformat())
    return table_price(instance_type, region)


def _holds(known: dict[str, ListedPrice], name: str, region: str, day: datetime.date) -> bool:
    found = known.get(_key(name, region))
    return found is not None and found.holds_on(day)


def _read_kept() -> dict[str, ListedPrice]:
    with suppress(NotebakeError, OSError, ValidationError):
        return LISTED.validate_json(_path().read_bytes())
    return {}


def _path() -> Path:
    return home() / FILE


def _key(instance_type: str, region: str) -> str:
    return f"{region} {instance_type}"


def _today() -> datetime.date:
    return utc_from_seconds(clock.now()).date()
