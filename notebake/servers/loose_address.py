"""Elastic addresses that stand for no server, left by a killed command, and paid for."""

from collections.abc import Iterable

from notebake.aws import elastic_calls, tags
from notebake.record import Record
from notebake.servers.offer import price_address
from notebake.servers.server import Server


class LooseAddress(Record):
    """An elastic address that was made for a server, and is not in use."""

    allocation_id: str
    address: str
    server_name: str
    owner: str
    region: str
    has_server: bool
    """Whether that server is there; otherwise it is gone."""
    usd_per_month: float | None
    """None if the price is not known."""


def list_loose_addresses(region: str, servers: Iterable[Server]) -> list[LooseAddress]:
    """Return the addresses of a region that were made for servers, and stand for none of these."""
    there = {(server.name, server.owner) for server in servers}
    found = []
    for each in elastic_calls.list_all_addresses(region):
        shown = tags.as_dict(each.get("Tags"))
        name, owner = shown[tags.SERVER], shown.get(tags.OWNER, "")
        if elastic_calls.is_free(each):
            loose = LooseAddress(
                allocation_id=each["AllocationId"],
                address=each["PublicIp"],
                server_name=name,
                owner=owner,
                region=region,
                has_server=(name, owner) in there,
                usd_per_month=price_address(region),
            )
            found.append(loose)
    return found
