"""What a server costs, running and stopped, and when it stops by itself: said before it starts."""

from collections.abc import Sequence
from typing import Any

from notebake.aws.resource_record import as_resource
from notebake.costs.estimate import HOURS_PER_MONTH, disk_usd_per_hour, hourly_cost
from notebake.costs.monthly import cost_of_volume
from notebake.costs.prices import find_prices, read_prices
from notebake.recipe import RootVolume
from notebake.record import Record
from notebake.servers.server import Server

VOLUME = "volume"


class Offer(Record):
    """The prices of a server; None where the table has none."""

    usd_per_hour: float | None
    """Running, with its disks and its public address."""
    usd_per_month_stopped: float | None
    """Stopped: its disks, and an elastic address, if it has one."""
    prices_written: str
    """The day of the price table."""


def price_server(
    instance_type: str,
    mapping: Sequence[dict[str, Any]],
    region: str,
    *,
    has_elastic_address: bool = False,
) -> Offer:
    """Return what a server costs whose disks are those of these block device mappings.

    A public address costs the same whether it is elastic or not; an elastic one costs while the
    server is stopped, too: https://aws.amazon.com/vpc/pricing/ (Public IPv4 Address).
    """
    disks = [
        {
            **each["Ebs"],
            "VolumeId": each["DeviceName"],
            "Size": int(each["Ebs"].get("VolumeSize", 0)),
        }
        for each in mapping
    ]
    return _offer(
        instance_type, region, _price_disks(disks, region), has_elastic_address=has_elastic_address
    )


def price_existing(
    server: Server, disks: Sequence[dict[str, Any]], *, gets_elastic_address: bool = False
) -> Offer:
    """Return what a server costs that is there, with these disks as EC2 describes them."""
    return _offer(
        server.instance_type,
        server.region,
        _price_disks(disks, server.region),
        has_elastic_address=server.has_elastic_address or gets_elastic_address,
    )


def _price_disks(disks: Sequence[dict[str, Any]], region: str) -> float | None:
    """Return what disks cost a month, as EC2 describes them; None if one has no known price."""
    costs = [cost_of_volume(as_resource(VOLUME, disk, disk["VolumeId"], region)) for disk in disks]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def _offer(
    instance_type: str,
    region: str,
    disks_usd_per_month: float | None,
    *,
    has_elastic_address: bool,
) -> Offer:
    prices, machine = find_prices(region), hourly_cost(instance_type, region)
    written = read_prices().written.isoformat()
    if prices is None or disks_usd_per_month is None:
        return Offer(usd_per_hour=None, usd_per_month_stopped=None, prices_written=written)
    disks = disks_usd_per_month / HOURS_PER_MONTH
    address = prices.address.public_ipv4_usd_per_hour
    stopped = disks + (address if has_elastic_address else 0)
    return Offer(
        usd_per_hour=None if machine is None else machine + disks + address,
        usd_per_month_stopped=stopped * HOURS_PER_MONTH,
        prices_written=written,
    )


def price_disk(size_gib: int, region: str) -> float | None:
    """Return what a gp3 disk of this size costs a month; None if that is not known."""
    prices = find_prices(region)
    disk = RootVolume.model_construct(size_gib=size_gib)
    return disk_usd_per_hour(disk, prices) * HOURS_PER_MONTH if prices else None


def price_address(region: str) -> float | None:
    """Return what a public address costs a month; None if that is not known."""
    prices = find_prices(region)
    return prices.address.public_ipv4_usd_per_hour * HOURS_PER_MONTH if prices else None
