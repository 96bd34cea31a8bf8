"""The disks that end with a server, as EC2 describes them, and what it costs with them."""

from typing import Any

from notebake.aws import server_calls, tags
from notebake.servers.launch_plan import LaunchPlan
from notebake.servers.offer import Offer, price_existing, price_server
from notebake.servers.server import Server


def own_disks(server: Server) -> list[dict[str, Any]]:
    """Return EC2's descriptions of a server's disks but those that outlive it.

    Raises:
        CloudError: EC2 refused, or gave no answer.
    """
    ids = list(server.volume_ids.values())
    found = server_calls.describe_volumes(ids, server.region) if ids else []
    return [disk for disk in found if not is_kept(disk)]


def is_kept(disk: dict[str, Any]) -> bool:
    """Return whether a disk outlives its servers, and has a price of its own."""
    return tags.SERVER_VOLUME in tags.as_dict(disk.get("Tags"))


def price_of(server: Server) -> Offer:
    """Return what a server costs that is there; raises as `own_disks` does."""
    return price_existing(server, own_disks(server))


def price_of_plan(plan: LaunchPlan, existing: Server | None) -> Offer:
    """Return what the server of a plan costs: the one that is there as it is, or the new one."""
    if existing is None:
        return price_server(
            plan.instance_type,
            [*plan.image_disks, *plan.disks],
            plan.region,
            has_elastic_address=plan.has_elastic_address,
        )
    return price_existing(
        existing, own_disks(existing), gets_elastic_address=plan.has_elastic_address
    )
