"""Servers as a list shows them, of one region or of several at the same time."""

import datetime
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from notebake import clock
from notebake.aws import server_calls
from notebake.costs.estimate import HOURS_PER_MONTH
from notebake.record import Record
from notebake.servers.console_state import read_use
from notebake.servers.ends import describe_ends
from notebake.servers.find import list_servers
from notebake.servers.kept_volume import KeptVolume, list_kept
from notebake.servers.loose_address import LooseAddress, list_loose_addresses
from notebake.servers.offer import Offer, price_existing
from notebake.servers.outside_ends import ends_outside
from notebake.servers.own_disks import is_kept
from notebake.servers.server import Server
from notebake.servers.spending import Spending, spending
from notebake.timestamps import utc_from_seconds

MOST_AT_ONCE = 16


class ListedServer(Record):
    """A server, what it costs, and what it has cost."""

    server: Server
    offer: Offer
    spent: Spending
    ends_outside: bool | None = False
    """Whether its ends stand outside of it, too; None: not known. Of one that runs."""
    use: str = ""
    """Whether it is used, as its console says; "" if that is not known, or it does not run."""

    @property
    def usd_per_hour(self) -> float | None:
        """What an hour costs in the server's present state."""
        if self.server.is_billed_by_hour:
            return self.offer.usd_per_hour
        month = self.offer.usd_per_month_stopped
        return None if month is None else month / HOURS_PER_MONTH

    @property
    def stops(self) -> str:
        """When it stops by itself, in words."""
        return (
            describe_ends(self.server.tags, self.server.started_at)
            if self.server.is_billed_by_hour
            else ""
        )


class Listed(Record):
    """The servers of one or several regions, and what outlives servers."""

    servers: tuple[ListedServer, ...]
    volumes: tuple[KeptVolume, ...]
    addresses: tuple[LooseAddress, ...]


def list_all(regions: Sequence[str]) -> Listed:
    """Return the servers of all these regions, and what outlives them.

    Raises:
        CloudError: a region refused, or gave no answer.
    """
    with ThreadPoolExecutor(min(MOST_AT_ONCE, len(regions))) as pool:
        found = list(pool.map(_list_region, regions))
    return Listed(
        servers=tuple(server for each in found for server in each.servers),
        volumes=tuple(volume for each in found for volume in each.volumes),
        addresses=tuple(address for each in found for address in each.addresses),
    )


def _list_region(region: str) -> Listed:
    servers = list_servers(region)
    ids = [volume_id for server in servers for volume_id in server.volume_ids.values()]
    disks = server_calls.describe_volumes(ids, region) if ids else []
    # A volume that outlives the server has a line and a price of its own.
    own = {each["VolumeId"]: each for each in disks if not is_kept(each)}
    now = utc_from_seconds(clock.now())
    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        listed = list(pool.map(lambda server: _as_listed(server, own, now), servers))
    return Listed(
        servers=tuple(listed),
        volumes=tuple(
            sorted(list_kept(region), key=lambda volume: (volume.owner, volume.name, volume.id))
        ),
        addresses=tuple(list_loose_addresses(region, servers)),
    )


def _as_listed(
    server: Server, disks: Mapping[str, dict[str, Any]], now: datetime.datetime
) -> ListedServer:
    """Return a server with what its console and its schedules say; these are asked if it runs."""
    own = [disks[id] for id in server.volume_ids.values() if id in disks]
    runs = server.is_billed_by_hour
    return ListedServer(
        server=server,
        offer=price_existing(server, own),
        spent=spending(server, own, now),
        ends_outside=ends_outside(server) if runs else False,
        use=read_use(server) if runs else "",
    )
