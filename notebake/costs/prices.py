"""The bundled price table: dated, small, and silent about what it does not know."""

import datetime
import tomllib
from functools import cache
from importlib.resources import files

from notebake.record import Record


class InstanceType(Record):
    """What one instance type is and costs."""

    usd_per_hour: float
    vcpus: int
    memory_gib: float


class Storage(Record):
    """What disks and snapshots cost; gp3 includes 3000 iops and 125 MiB/s."""

    gp3_usd_per_gib_month: float
    gp3_usd_per_extra_iops_month: float
    gp3_usd_per_extra_mib_per_second_month: float
    snapshot_usd_per_gib_month: float


class Address(Record):
    """What an address costs."""

    public_ipv4_usd_per_hour: float


class Prices(Record):
    """The table, as of the day that it was written."""

    written: datetime.date
    regions: tuple[str, ...]
    storage: Storage
    address: Address
    instance_types: dict[str, InstanceType]


@cache
def read_prices() -> Prices:
    """Return the table that comes with the package."""
    text = files("notebake.costs").joinpath("prices.toml").read_text(encoding="utf-8")
    return Prices.model_validate(tomllib.loads(text))


def find_prices(region: str) -> Prices | None:
    """Return the table if it holds for the region."""
    prices = read_prices()
    return prices if region in prices.regions else None


def find_instance_type(instance_type: str, region: str) -> InstanceType | None:
    """Return the type and its price, or None where no price is known: never a price of 0."""
    prices = find_prices(region)
    return prices.instance_types.get(instance_type) if prices else None
