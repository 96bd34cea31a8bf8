"""Servers as a list shows them, of one region or of several at the same time."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from notebake.aws import server_calls
from notebake.costs.estimate import HOURS_PER_MONTH
from notebake.record import Record
from notebake.servers.console_state import read_use
from notebake.servers.ends import describe_ends
from notebake.servers.find import list_servers
from notebake.servers.offer import Offer, price_server
from notebake.servers.outside_ends import ends_outside
from notebake.servers.server import Server

MOST_AT_ONCE = 16
BILLED_BY_HOUR = ("pending", "running", "stopping")


class ListedServer(Record):
    """A server, and what it costs."""

    server: Server
    offer: Offer
    ends_outside: bool | None = False
    """Whether its ends stand outside of it, too; None: not known. Of one that runs."""
    use: str = ""
    """Whether it is used, as its console says; "" if that is not known, or it does not run."""

    @property
    def usd_per_hour(self) -> float | None:
        """What an hour costs in the server's present state."""
        if self.server.state in BILLED_BY_HOUR:
            return self.offer.usd_per_hour
        month = self.offer.usd_per_month_stopped
        return None if month is None else month / HOURS_PER_MONTH

    @property
    def stops(self) -> str:
        """When it stops by itself, in words."""
        if self.server.state not in BILLED_BY_HOUR:
            return ""
        return describe_ends(self.server.tags)


def list_all(regions: Sequence[str]) -> list[ListedServer]:
    """Return the servers of all these regions.

    Raises:
        CloudError: a region refused, or gave no answer.
    """
    with ThreadPoolExecutor(min(MOST_AT_ONCE, len(regions))) as pool:
        found = list(pool.map(_list_region, regions))
    return [server for servers in found for server in servers]


def _list_region(region: str) -> list[ListedServer]:
    servers = list_servers(region)
    ids = [volume_id for server in servers for volume_id in server.volume_ids.values()]
    disks = server_calls.describe_volumes(ids, region) if ids else []
    sizes = {disk["VolumeId"]: int(disk["Size"]) for disk in disks}
    running = {server.id: server for server in servers if server.state in BILLED_BY_HOUR}
    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        uses = dict(zip(running, pool.map(read_use, running.values()), strict=True))
        outside = dict(zip(running, pool.map(ends_outside, running.values()), strict=True))
    return [
        ListedServer(
            server=server,
            offer=price_server(
                server.instance_type,
                sum(sizes.get(volume_id, 0) for volume_id in server.volume_ids.values()),
                region,
            ),
            ends_outside=outside.get(server.id, False),
            use=uses.get(server.id, ""),
        )
        for server in servers
    ]
