"""The command `servers`: list the notebook servers and what they cost."""

import argparse
from typing import TYPE_CHECKING

from flows.cli.arguments import add_json, add_regions, regions_of
from flows.cli.exit_codes import DONE

if TYPE_CHECKING:
    from notebake.servers.kept_volume import KeptVolume
    from notebake.servers.listed_server import ListedServer
    from notebake.servers.loose_address import LooseAddress

EXAMPLE = """\
notebake servers
notebake servers --all-regions --json"""
FIELDS = {
    "regions": "regions that were searched",
    "servers[].name": "name of the server",
    "servers[].owner": "its person",
    "servers[].region": "region in which it is",
    "servers[].instance_id": "instance id",
    "servers[].state": "state in EC2's words",
    "servers[].address": "address at which it is reached now; null: none",
    "servers[].instance_type": "instance type",
    "servers[].image_id": "image from which it was started",
    "servers[].started_at": "last start, ISO 8601 in UTC",
    "servers[].usd_per_hour": "costs of an hour in its state, with its disks; null: not known",
    "servers[].usd_per_month_stopped": "costs of a month stopped; null: not known",
    "servers[].usd_so_far_at_least": "what it has cost so far, at least; null: not known",
    "servers[].usd_so_far_at_most": "the same, at most: equal where it is known; null: not known",
    "servers[].elastic_address": "whether its address is elastic",
    "servers[].stops": "when it stops by itself, in words",
    "servers[].use": "whether it is used, in words; null: its console does not say",
    "servers[].ends_outside": "whether EventBridge stops it, too, as set; null: not known",
    "servers[].keep_until": "until when it is kept from stopping by itself; null: no such time",
    "volumes[].name": "name of a volume that outlives servers",
    "volumes[].owner": "its person",
    "volumes[].region": "region in which it is",
    "volumes[].zone": "zone in which it is, and its servers have to be",
    "volumes[].volume_id": "volume id",
    "volumes[].size_gib": "size in GiB",
    "volumes[].mount": "where servers mount it, unless another place was named",
    "volumes[].instance_id": "machine that has it; null: none",
    "volumes[].made_at": "when it was made, ISO 8601 in UTC",
    "volumes[].usd_per_month": "costs of a month, used or not; null: not known",
    "addresses[].address": "elastic address that stands for no server",
    "addresses[].allocation_id": "its allocation id",
    "addresses[].server": "name of the server that it was made for",
    "addresses[].has_server": "whether that server is there",
    "addresses[].owner": "its person",
    "addresses[].region": "region in which it is",
    "addresses[].usd_per_month": "costs of a month until it is given back; null: not known",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    add_regions(parser)
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    """List the servers of the regions."""
    from flows.cli.json_output import print_document
    from flows.terminal.servers_table import print_servers
    from notebake.servers.listed_server import list_all

    regions = regions_of(given)
    listed = list_all(regions)
    if given.json:
        servers = [document_row(server) for server in listed.servers]
        volumes = [volume_row(volume) for volume in listed.volumes]
        addresses = [address_row(address) for address in listed.addresses]
        rows = {"servers": servers, "volumes": volumes, "addresses": addresses}
        print_document({"regions": list(regions), **rows})
    else:
        print_servers(listed, regions)
    return DONE


def document_row(listed: "ListedServer") -> dict[str, object]:
    """Return a server as a JSON object."""
    from flows.cli.json_output import iso_time

    server = listed.server
    return {
        "name": server.name,
        "owner": server.owner,
        "region": server.region,
        "instance_id": server.id,
        "state": server.state,
        "address": server.address or None if server.state == "running" else None,
        "instance_type": server.instance_type,
        "image_id": server.image_id,
        "started_at": iso_time(server.started_at),
        "usd_per_hour": listed.usd_per_hour,
        "usd_per_month_stopped": listed.offer.usd_per_month_stopped,
        "usd_so_far_at_least": listed.spent.least_usd,
        "usd_so_far_at_most": listed.spent.most_usd,
        "elastic_address": server.has_elastic_address,
        "stops": listed.stops,
        "use": listed.use or None,
        "ends_outside": listed.ends_outside,
        "keep_until": iso_time(server.keep_until),
    }


def volume_row(volume: "KeptVolume") -> dict[str, object]:
    """Return a volume as a JSON object."""
    from flows.cli.json_output import iso_time

    return {
        "name": volume.name,
        "owner": volume.owner,
        "region": volume.region,
        "zone": volume.zone,
        "volume_id": volume.id,
        "size_gib": volume.size_gib,
        "mount": volume.mount,
        "instance_id": volume.instance_id or None,
        "made_at": iso_time(volume.made_at),
        "usd_per_month": volume.usd_per_month,
    }


def address_row(address: "LooseAddress") -> dict[str, object]:
    """Return an elastic address that stands for no server as a JSON object."""
    return {
        "address": address.address,
        "allocation_id": address.allocation_id,
        "server": address.server_name,
        "owner": address.owner,
        "region": address.region,
        "has_server": address.has_server,
        "usd_per_month": address.usd_per_month,
    }
