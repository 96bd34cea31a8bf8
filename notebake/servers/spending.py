"""What a server has cost so far, with its disks and its address: at least, and at most."""

import datetime
from collections.abc import Sequence
from typing import Any

from notebake.aws.resource_record import as_resource
from notebake.costs.credits import surplus_usd_per_hour
from notebake.costs.estimate import HOURS_PER_MONTH, hourly_cost
from notebake.costs.monthly import cost_of_volume
from notebake.costs.prices import find_prices
from notebake.record import Record
from notebake.servers.run_time import run_time
from notebake.servers.server import Server

HOUR = 3600
VOLUME = "volume"


class Spending(Record):
    """US dollars since the first start, at today's prices; None if a price is unknown."""

    least_usd: float | None
    most_usd: float | None


def spending(server: Server, disks: Sequence[dict[str, Any]], now: datetime.datetime) -> Spending:
    """Return what a server has cost until now.

    Args:
        server: As EC2 shows it.
        disks: EC2's descriptions of its disks; each costs from when it was made.
        now: The time by AWS's clock, about.
    """
    machine, prices = hourly_cost(server.instance_type, server.region), find_prices(server.region)
    stored = [_cost_of_disk(disk, server.region, now) for disk in disks]
    if machine is None or prices is None or None in stored:
        return Spending(least_usd=None, most_usd=None)
    fixed = sum(cost for cost in stored if cost is not None)
    address = prices.address.public_ipv4_usd_per_hour
    runs = run_time(server, now)
    least, most = (fixed + (machine + address) * s / HOUR for s in (runs.least, runs.most))
    # EC2 does not tell what it has computed above the baseline of its type.
    most += surplus_usd_per_hour(server.instance_type) * runs.most / HOUR
    if server.has_elastic_address:
        # It costs while the server is stopped, too, from a time that EC2 does not tell.
        age = (now - (server.made_at or server.started_at)).total_seconds()
        most += address * max(0.0, age - runs.most) / HOUR
    return Spending(least_usd=least, most_usd=most)


def _cost_of_disk(disk: dict[str, Any], region: str, now: datetime.datetime) -> float | None:
    month = cost_of_volume(as_resource(VOLUME, disk, disk["VolumeId"], region))
    hours = max(0.0, (now - disk["CreateTime"]).total_seconds()) / HOUR
    return None if month is None else month * hours / HOURS_PER_MONTH
