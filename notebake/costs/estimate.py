"""The estimated costs of a build from the bundled prices, and sums of money as text.

The durations are assumptions, which each line states. An unknown price is shown as such, not as 0.
"""

from notebake.costs.credits import describe_surplus
from notebake.costs.money import Price, PriceOfType
from notebake.costs.prices import (
    TABLE,
    Prices,
    find_instance_type,
    find_prices,
    read_prices,
    table_price,
)
from notebake.recipe import Recipe, RootVolume
from notebake.record import Record

HOURS_PER_MONTH = 730
ACCEPTANCE_MACHINES = 2
BUILD_HOURS = 1.0
ACCEPTANCE_HOURS = 0.5
EARLY_SNAPSHOT_HOURS = 1.0
EXPECTED_HOURS = BUILD_HOURS + ACCEPTANCE_HOURS
"""The assumed duration of a build: the hours of its machines, one after the other."""
INCLUDED_IOPS = 3000
INCLUDED_MIB_PER_SECOND = 125


class CostLine(Record):
    """One item of the costs."""

    what: str
    quantity: float
    unit: str
    unit_price_usd: float | None = None
    """None if the price is unknown."""
    price_source: str = TABLE
    price_date: str = ""

    @property
    def usd(self) -> float | None:
        return None if self.unit_price_usd is None else self.quantity * self.unit_price_usd


class Estimate(Record):
    """The costs of a build, and the monthly costs of its image."""

    build: tuple[CostLine, ...]
    monthly: tuple[CostLine, ...]
    prices_written: str
    """The date of the price table, such as 2026-11-23."""


def estimate(
    recipe: Recipe,
    *,
    build_hours: float = BUILD_HOURS,
    price_of_type: PriceOfType = table_price,
) -> Estimate:
    """Return the costs of the recipe's build if the builder runs for so many hours."""
    prices = find_prices(recipe.region)
    builder = recipe.instance_types[0]
    accepter = (recipe.acceptance.instance_types or recipe.instance_types)[0]
    accept_hours = ACCEPTANCE_MACHINES * ACCEPTANCE_HOURS
    volumes = recipe.volumes
    copied = [recipe.root_volume, *(volume for volume in volumes if volume.is_in_image)]
    made = [recipe.root_volume, *(volume for volume in volumes if volume.volume_id is None)]
    machines = (
        machine_line(
            f"builder: {builder}, assumed {build_hours:g} h{_credits_of(builder)}",
            build_hours,
            price_of_type(builder, recipe.region),
        ),
        machine_line(
            f"acceptance: {accepter}, {ACCEPTANCE_MACHINES} machines,"
            f" assumed {ACCEPTANCE_HOURS:g} h each{_credits_of(accepter)}",
            accept_hours,
            price_of_type(accepter, recipe.region),
        ),
    )
    return Estimate(
        build=(
            *machines,
            disk_line("disks of the builder", made, build_hours, prices),
            disk_line("disks of the acceptance machines", copied, accept_hours, prices),
            *address_lines(recipe, build_hours + accept_hours, prices),
            early_snapshot_line([disk for disk in copied if disk in made], prices),
        ),
        monthly=(snapshot_line(copied, prices),),
        prices_written=read_prices().written.isoformat(),
    )


def _credits_of(instance_type: str) -> str:
    more = describe_surplus(instance_type)
    return f"; {more}" if more else ""


def machine_line(what: str, hours: float, price: Price | None) -> CostLine:
    """Return the costs of a machine's hours."""
    line = CostLine(what=what, quantity=hours, unit="h")
    if price is None:
        return line
    of_list = {"price_source": price.source, "price_date": price.date}
    return line.model_copy(update={"unit_price_usd": float(price.usd), **of_list})


def disk_line(what: str, disks: list[RootVolume], hours: float, prices: Prices | None) -> CostLine:
    """Return the costs of the disks while the machine has them."""
    size_gib = sum(disk.size_gib for disk in disks)
    per_hour = sum(disk_usd_per_hour(disk, prices) for disk in disks) if prices else None
    what = f"{what}: {size_gib} GiB of gp3"
    return CostLine(what=what, quantity=hours, unit="h", unit_price_usd=per_hour)


def disk_usd_per_hour(disk: RootVolume, prices: Prices) -> float:
    """Return the hourly costs of a gp3 disk, with its performance above the included one."""
    storage = prices.storage
    extra_iops = disk.iops - INCLUDED_IOPS
    extra_throughput = disk.throughput_mib_per_second - INCLUDED_MIB_PER_SECOND
    per_month = (
        disk.size_gib * storage.gp3_usd_per_gib_month
        + extra_iops * storage.gp3_usd_per_extra_iops_month
        + extra_throughput * storage.gp3_usd_per_extra_mib_per_second_month
    )
    return per_month / HOURS_PER_MONTH


def address_lines(recipe: Recipe, hours: float, prices: Prices | None) -> tuple[CostLine, ...]:
    """Return the costs of the public addresses, if the machines have any."""
    if recipe.network.address == "private":
        return ()
    price = prices.address.public_ipv4_usd_per_hour if prices else None
    what = "public addresses: one for each machine"
    return (CostLine(what=what, quantity=hours, unit="h", unit_price_usd=price),)


def snapshot_line(copied: list[RootVolume], prices: Prices | None) -> CostLine:
    """Return the maximum costs of the image's snapshots: as if every block were written."""
    price = prices.storage.snapshot_usd_per_gib_month if prices else None
    return CostLine(
        what="snapshots of the image, at most (full disks)",
        quantity=sum(disk.size_gib for disk in copied),
        unit="GiB",
        unit_price_usd=price,
    )


def early_snapshot_line(disks: list[RootVolume], prices: Prices | None) -> CostLine:
    """Return the maximum costs of the snapshots ahead of the image: as if all disks were full.

    EBS is paid once for the blocks that they share with those of the image.
    """
    monthly = snapshot_line(disks, prices)
    per_hour = None if monthly.usd is None else monthly.usd / HOURS_PER_MONTH
    what = f"snapshots ahead of the image, at most, assumed {EARLY_SNAPSHOT_HOURS:g} h"
    return CostLine(what=what, quantity=EARLY_SNAPSHOT_HOURS, unit="h", unit_price_usd=per_hour)


def hourly_cost(instance_type: str, region: str) -> float | None:
    """Return the hourly costs of the machine alone, or None if the price is unknown."""
    found = find_instance_type(instance_type, region)
    return found.usd_per_hour if found else None


SMALLEST_SHOWN_USD = 0.01


def format_estimate(lines: tuple[CostLine, ...]) -> str:
    """Return the sum: `about $0.62`, or `at least …` if a price is unknown."""
    known = sum(line.usd for line in lines if line.usd is not None)
    if all(line.usd is None for line in lines):
        return "no price known"
    if any(line.usd is None for line in lines):
        return f"at least ${known:.2f}"
    return f"about ${known:.2f}" if known >= SMALLEST_SHOWN_USD else "less than $0.01"


def format_monthly(usd: float | None) -> str:
    """Return a price for a column: `$70.08`, `no price`, or `-` for no costs."""
    if usd is None:
        return "no price"
    return f"${usd:.2f}" if usd else "-"


def format_sum(costs: list[float | None]) -> str:
    """Return the sum of monthly costs; an unknown price makes it `at least …`."""
    known = sum(cost for cost in costs if cost is not None)
    if not known and None in costs:
        return "no price known"
    return f"at least ${known:.2f}" if None in costs else f"about ${known:.2f}"
