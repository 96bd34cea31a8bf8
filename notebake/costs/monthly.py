"""The costs of each kind of resource in a month of 730 hours. An unknown price is None, never 0."""

from notebake.aws.model import Resource
from notebake.costs.estimate import (
    HOURS_PER_MONTH,
    INCLUDED_IOPS,
    INCLUDED_MIB_PER_SECOND,
    disk_usd_per_hour,
    hourly_cost,
)
from notebake.costs.prices import find_prices
from notebake.recipe import RootVolume

GIB = 1024**3
RUNS = frozenset(("pending", "running"))


def costs_nothing(_: Resource) -> float:
    """Return 0 for a resource without costs of its own."""
    return 0.0


def cost_of_instance(instance: Resource) -> float | None:
    """Return the costs of a running machine with its public address.

    Its disks are separate resources; a stopped machine has no other costs.
    """
    if instance.state not in RUNS:
        return 0.0
    machine = hourly_cost(instance.instance_type, instance.region)
    prices = find_prices(instance.region)
    if machine is None or prices is None:
        return None
    address = prices.address.public_ipv4_usd_per_hour if instance.has_public_address else 0.0
    return (machine + address) * HOURS_PER_MONTH


def cost_of_snapshot(snapshot: Resource) -> float | None:
    """Return the maximum costs of a snapshot: as if it shared no block with an earlier one.

    If EC2 does not tell what was written, it counts as if every block of its disk were.
    """
    prices = find_prices(snapshot.region)
    if prices is None or snapshot.is_archived:
        return None
    return written_gib(snapshot) * prices.storage.snapshot_usd_per_gib_month


def written_gib(snapshot: Resource) -> float:
    """Return what was written to a snapshot's disk, GiB; at most, if EC2 does not tell."""
    written = snapshot.written_bytes
    return float(snapshot.size_gib) if written is None else written / GIB


def cost_of_volume(volume: Resource) -> float | None:
    """Return the costs of a volume; the table has prices of gp3 only."""
    prices = find_prices(volume.region)
    if prices is None or volume.volume_type != "gp3":
        return None
    disk = RootVolume.model_construct(
        size_gib=volume.size_gib,
        iops=max(volume.iops, INCLUDED_IOPS),
        throughput_mib_per_second=max(volume.throughput_mib_per_second, INCLUDED_MIB_PER_SECOND),
    )
    return disk_usd_per_hour(disk, prices) * HOURS_PER_MONTH
