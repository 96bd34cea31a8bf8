"""What each kind of resource costs in a month of 730 hours. An unknown price is None, never 0."""

from notebake.aws.model import Resource
from notebake.costs.estimate import HOURS_PER_MONTH, disk_usd_per_hour, hourly_cost
from notebake.costs.prices import find_prices
from notebake.recipe import RootVolume

RUNS = frozenset(("pending", "running"))


def costs_nothing(_: Resource) -> float:
    """Return that it costs nothing by itself."""
    return 0.0


def cost_of_instance(one: Resource) -> float | None:
    """Return what a running machine costs with its public address.

    Its disks are resources of their own, and all that a machine costs that is stopped.
    """
    if one.state not in RUNS:
        return 0.0
    machine, prices = hourly_cost(one.instance_type, one.region), find_prices(one.region)
    if machine is None or prices is None:
        return None
    address = prices.address.public_ipv4_usd_per_hour if one.has_public_address else 0.0
    return (machine + address) * HOURS_PER_MONTH


def cost_of_snapshot(one: Resource) -> float | None:
    """Return what a snapshot costs at most: as if each block of its disk were written."""
    prices = find_prices(one.region)
    return one.size_gib * prices.storage.snapshot_usd_per_gib_month if prices else None


def cost_of_volume(one: Resource) -> float | None:
    """Return what a volume costs; only gp3 has a price in the table."""
    prices = find_prices(one.region)
    if prices is None or one.volume_type != "gp3":
        return None
    disk = RootVolume.model_construct(
        size_gib=one.size_gib,
        iops=max(one.iops, 3000),
        throughput_mib_per_second=max(one.throughput_mib_per_second, 125),
    )
    return disk_usd_per_hour(disk, prices) * HOURS_PER_MONTH
