"""The elastic address of a server: the same at each start, and paid for until it is released."""

import logging
from typing import Any

from notebake.aws import elastic_calls, server_calls, tags
from notebake.aws.clients import wait_for_first
from notebake.errors import CloudError, NotebakeError
from notebake.servers.next_command import command_on
from notebake.servers.power import wait_until_running
from notebake.servers.server import Server

log = logging.getLogger(__name__)
FULL = "AddressLimitExceeded"
QUOTA = "L-0263D0A3"


def ensure_elastic_address(server: Server) -> Server:
    """Return the running server at its elastic address, which is allocated if there is none.

    AllocateAddress takes no token, so the address is found again by its tags; of two that two
    computers have allocated at the same moment one is given back.

    Raises:
        NotebakeError: the quota is used up; the server runs at another address.
    """
    stands = _own_address(server)
    own = stands or _choose_one(server)
    marks = {tags.ELASTIC_ADDRESS: own}
    if server.tags.get(tags.ELASTIC_ADDRESS) != own:
        # By this tag it is in the server's price, also if a kill comes after the next call.
        server_calls.tag_server(server.id, marks, server.region)
    if not stands:
        log.info("Giving %s its elastic address (%s)", server.name, own)
        elastic_calls.associate_address(own, server.id, server.region)
    for each in _addresses_of(server):
        if each["AllocationId"] != own and elastic_calls.is_free(each):
            elastic_calls.release_address(each["AllocationId"], server.region)
    running = wait_until_running(server)
    return running.model_copy(update={"tags": running.tags | marks})


def _own_address(server: Server) -> str:
    """Return the allocation id of the address that stands for the server now, or ""."""
    found = [each for each in _addresses_of(server) if each.get("InstanceId") == server.id]
    return str(found[0]["AllocationId"]) if found else ""


def _choose_one(server: Server) -> str:
    """Return the first of the server's addresses, a new one if it has none."""
    if not _addresses_of(server):
        _allocate(server)
    found = wait_for_first(lambda: _addresses_of(server) or None, "the elastic address")
    return min(str(each["AllocationId"]) for each in found)


def _addresses_of(server: Server) -> list[dict[str, Any]]:
    return elastic_calls.list_addresses(server.name, server.owner, server.region)


def _allocate(server: Server) -> str:
    marks = {
        "Name": f"{server.name} ({server.owner})",
        tags.SERVER: server.name,
        tags.OWNER: server.owner,
    }
    try:
        return elastic_calls.allocate_address(marks, server.region)
    except CloudError as error:
        if error.code != FULL:
            raise
        raise NotebakeError(
            f"The server {server.name} runs, but without an elastic address: the account has as"
            f" many in {server.region} as it may have (quota {QUOTA}, 5 unless it was raised).",
            "Release one that nobody needs (aws ec2 describe-addresses), or have the quota raised"
            f" (Service Quotas, ec2, {QUOTA}); then type the same again.",
        ).with_next(command_on(server, "open", purpose="To use it as it is")) from error
