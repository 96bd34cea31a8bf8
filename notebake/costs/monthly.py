"""What each thing that was found costs a month. An unknown price is None, never 0."""

from notebake.aws.model import Resource
from notebake.costs.estimate import HOURS_PER_MONTH, disk_usd_per_hour, hourly_cost
from notebake.costs.prices import find_prices
from notebake.recipe import RootVolume

COSTS_NOTHING = frozenset(
    # The snapshots are what an image costs, and the machine what its interface costs. The price of
    # a schedule is a dollar for a million calls of its target.
    # A parameter is of the Standard tier.
    ("image", "key pair", "network interface", "parameter", "schedule", "security group")
)
RUNS = frozenset(("pending", "running"))


def monthly_cost(one: Resource) -> float | None:
    """Return what a resource costs in a month of 730 hours if nobody removes it.

    A machine that is stopped costs its disks, and they are resources of their own. A snapshot
    counts as if each block of its disk were written: at most that.
    """
    if one.kind in COSTS_NOTHING:
        return 0.0
    if one.kind == "instance":
        return machine_cost(one) if one.state in RUNS else 0.0
    prices = find_prices(one.region)
    if prices is None:
        return None
    if one.kind == "snapshot":
        return one.size_gib * prices.storage.snapshot_usd_per_gib_month
    if one.kind == "volume" and one.volume_type == "gp3":
        disk = RootVolume.model_construct(
            size_gib=one.size_gib,
            iops=max(one.iops, 3000),
            throughput_mib_per_second=max(one.throughput_mib_per_second, 125),
        )
        return disk_usd_per_hour(disk, prices) * HOURS_PER_MONTH
    return None


def machine_cost(one: Resource) -> float | None:
    """Return what a running machine costs a month with its public address, without its disks."""
    machine, prices = hourly_cost(one.instance_type, one.region), find_prices(one.region)
    if machine is None or prices is None:
        return None
    address = prices.address.public_ipv4_usd_per_hour if one.has_public_address else 0.0
    return (machine + address) * HOURS_PER_MONTH
