"""The bundled price table: small, with a date, and without entries for unknown prices."""

import datetime
import tomllib
from decimal import Decimal
from functools import cache
from importlib.resources import files

from notebake.costs.money import Price
from notebake.record import Record

TABLE = "notebake's table"
"""The source of a price that is from here."""


class InstanceType(Record):
    """The size and the price of an instance type."""

    usd_per_hour: float
    vcpus: int
    memory_gib: float


class Storage(Record):
    """The prices of disks and snapshots; gp3 includes 3000 iops and 125 MiB/s."""

    gp3_usd_per_gib_month: float
    gp3_usd_per_extra_iops_month: float
    gp3_usd_per_extra_mib_per_second_month: float
    snapshot_usd_per_gib_month: float


class Address(Record):
    """The price of an address."""

    public_ipv4_usd_per_hour: float


class Prices(Record):
    """The price table, as of the date `written`."""

    written: datetime.date
    regions: tuple[str, ...]
    storage: Storage
    address: Address
    instance_types: dict[str, InstanceType]


@cache
def read_prices() -> Prices:
    """Return the bundled table."""
    text = files("notebake.costs").joinpath("prices.toml").read_text(encoding="utf-8")
    return Prices.model_validate(tomllib.loads(text))


def find_prices(region: str) -> Prices | None:
    """Return the table if it covers the region."""
    prices = read_prices()
    return prices if region in prices.regions else None


def find_instance_type(instance_type: str, region: str) -> InstanceType | None:
    """Return the type with its price, or None if the price is unknown."""
    prices = find_prices(region)
    return prices.instance_types.get(instance_type) if prices else None


def table_price(instance_type: str, region: str) -> Price | None:
    """Return the hourly price of an instance type in the table."""
    found = find_instance_type(instance_type, region)
    return dated(found.usd_per_hour) if found else None


def dated(usd: float | Decimal) -> Price:
    """Return a price of the table with its source and day."""
    return Price(usd=Decimal(str(usd)), source=TABLE, date=read_prices().written.isoformat())
