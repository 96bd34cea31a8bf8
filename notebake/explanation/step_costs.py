"""What goes on costing from a step on, by notebake's table of prices."""

from collections.abc import Iterable

from notebake.costs.estimate import (
    disk_usd_per_hour,
    early_snapshot_line,
    hourly_cost,
    snapshot_line,
)
from notebake.costs.prices import find_prices, read_prices
from notebake.explanation.recorded_calls import TEAR_DOWN
from notebake.explanation.run_facts import RunFacts
from notebake.recipe import Recipe, RootVolume

FREE = frozenset(("import_key_pair", "open_ssh", "preflight"))


def costs_of(step: str, facts: RunFacts) -> str:
    """Return a sentence about what a step goes on costing; "" for what costs nothing more."""
    recipe = facts.recipe
    if step == "launch_instance" and facts.builder_type:
        return _of_machines(facts.builder_type, 1, _disks(recipe), recipe)
    if step == "launch_acceptance":
        types = [c.parameters.get("InstanceType", "") for c in facts.calls if c.step == step]
        kind = str(next(filter(None, types), recipe.instance_types[0]))
        copied = [recipe.root_volume, *(each for each in recipe.volumes if each.is_in_image)]
        return _of_machines(kind, max(1, len(facts.acceptance_ids)), copied, recipe)
    if step == "snapshot_disks":
        return _of_early_snapshots(recipe)
    if step == "request_image":
        return _of_image(recipe)
    if step in FREE:
        return "Costs nothing."
    if step == TEAR_DOWN:
        return "From then on only the image costs something." if facts.stays else ""
    return ""


def _disks(recipe: Recipe) -> list[RootVolume]:
    return [recipe.root_volume, *(each for each in recipe.volumes if each.volume_id is None)]


def _of_machines(kind: str, count: int, disks: Iterable[RootVolume], recipe: Recipe) -> str:
    prices, machine = find_prices(recipe.region), hourly_cost(kind, recipe.region)
    if prices is None or machine is None:
        return f"notebake knows no price of {kind} in {recipe.region}."
    address = prices.address.public_ipv4_usd_per_hour if recipe.network.address == "public" else 0
    stored = sum(disk_usd_per_hour(disk, prices) for disk in disks)
    total, each = _usd(count * (machine + stored + address)), "each " if count > 1 else ""
    until = "it is terminated" if count == 1 else "they are terminated"
    parts = f"{each}{kind} {_usd(machine)}, its disks {_usd(stored)}"
    parts += f", its address {_usd(address)}" if address else ""
    return f"Costs {total} an hour until {until}: {parts}. {_dated()}"


def _of_image(recipe: Recipe) -> str:
    copied = [recipe.root_volume, *(each for each in recipe.volumes if each.is_in_image)]
    usd = snapshot_line(copied, find_prices(recipe.region)).usd
    if usd is None:
        return f"notebake knows no price of snapshots in {recipe.region}."
    return f"Costs at most ${usd:.2f} a month for as long as the image is kept. {_dated()}"


def _of_early_snapshots(recipe: Recipe) -> str:
    new = [each for each in recipe.volumes if each.is_in_image and each.volume_id is None]
    usd = early_snapshot_line([recipe.root_volume, *new], find_prices(recipe.region)).usd
    if usd is None:
        return f"notebake knows no price of snapshots in {recipe.region}."
    return f"Costs at most {_usd(usd)} an hour until the tear-down. {_dated()}"


def _dated() -> str:
    return f"(Prices of {read_prices().written.isoformat()}.)"


def _usd(usd: float) -> str:
    return f"${usd:.3f}"
