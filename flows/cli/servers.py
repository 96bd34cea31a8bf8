"""The command `servers`: list the notebook servers and what they cost."""

import argparse
from typing import TYPE_CHECKING

from flows.cli.arguments import add_json, add_regions, regions_of
from flows.cli.exit_codes import DONE

if TYPE_CHECKING:
    from notebake.servers.listed_server import ListedServer

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
    "servers[].stops": "when it stops by itself, in words",
    "servers[].use": "whether it is used, in words; null: its console does not say",
    "servers[].ends_outside": "whether EventBridge stops it, too, as set; null: not known",
    "servers[].keep_until": "until when it is kept from stopping by itself; null: no such time",
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
    servers = list_all(regions)
    if given.json:
        rows = [document_row(server) for server in servers]
        print_document({"regions": list(regions), "servers": rows})
    else:
        print_servers(servers, regions)
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
        "stops": listed.stops,
        "use": listed.use or None,
        "ends_outside": listed.ends_outside,
        "keep_until": iso_time(server.keep_until),
    }
