"""What servers have cost so far, stopped ones and volumes go on to cost, in the terminal."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flows.terminal.history_table import align
from notebake.costs.estimate import format_monthly, format_sum
from notebake.errors import NextCommand
from notebake.servers.kept_volume import removal_of
from notebake.servers.offer import price_disk

if TYPE_CHECKING:
    from notebake.servers.kept_volume import KeptVolume
    from notebake.servers.listed_server import Listed
    from notebake.servers.spending import Spending
    from notebake.servers.volume_choice import VolumeChoice

COLUMNS = ("volume", "owner", "size", "a month", "used by")
CENT = 0.005


def format_spending(spent: "Spending") -> str:
    """Return what was spent: one sum where it is known, otherwise its bounds."""
    if spent.least_usd is None or spent.most_usd is None:
        return "an unknown sum, as a price is not known"
    if spent.most_usd - spent.least_usd < CENT:
        return f"about ${spent.least_usd:.2f}"
    return f"at least ${spent.least_usd:.2f}, at most ${spent.most_usd:.2f}"


def describe_volumes(listed: "Listed") -> Iterator[str]:
    """Give the lines for the volumes that outlive servers, so that none is forgotten."""
    if not listed.volumes:
        return
    names = {each.server.id: each.server.name for each in listed.servers}
    heading, *rows = align([COLUMNS, *(_cells(each, names) for each in listed.volumes)])
    yield f"\n{heading}"
    for volume, row in zip(listed.volumes, rows, strict=True):
        yield row
        yield f"  {volume.id} in {volume.zone}"
    unused = [volume for volume in listed.volumes if not volume.instance_id]
    if unused:
        cost = format_sum([volume.usd_per_month for volume in unused])
        remove = removal_of(unused[0], unused[0].name).command_line()
        yield f"\nNo server uses {', '.join(each.name for each in unused)}: {cost} a month."
        yield f"To delete one for good: {remove}"


def describe_addresses(listed: "Listed") -> Iterator[str]:
    """Give the lines for the elastic addresses that stand for no server."""
    for each in listed.addresses:
        price = format_monthly(each.usd_per_month)
        if each.has_server:
            name = each.server_name
            yield f"\nThe elastic address {each.address} of {name} is not in use: {price} a month."
            yield "To use it, type its start again with --elastic-address. It ends with the server."
            continue
        words = ("terminate", each.server_name, "--owner", each.owner, "--region", each.region)
        yield f"\nThe elastic address {each.address} has no server any more: {price} a month."
        yield f"To give it back: {NextCommand(words).command_line()}"


def describe_choice(choice: "VolumeChoice", region: str) -> str:
    """Return what becomes of a volume that is wanted, and what it costs."""
    wanted, found = choice.wanted, choice.found
    if found is None:
        price = format_monthly(price_disk(wanted.size_gib, region))
        return f"{wanted.name}: new, {wanted.size_gib} GiB, {price} a month until it is deleted"
    price = format_monthly(found.usd_per_month)
    text = f"{found.name}: {found.id}, {found.size_gib} GiB in {found.zone}, {price} a month"
    if wanted.size_gib not in (0, found.size_gib):
        text += f"; it is there already, so {wanted.size_gib} GiB are not made"
    if choice.holder:
        text += f"; taken from {choice.holder.name}, which is stopped"
    return text


def _cells(volume: "KeptVolume", names: dict[str, str]) -> tuple[str, ...]:
    used = names.get(volume.instance_id, volume.instance_id) or "no server"
    size, price = f"{volume.size_gib} GiB", format_monthly(volume.usd_per_month)
    return volume.name, volume.owner, size, price, used
