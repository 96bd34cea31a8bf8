"""The address of this worker as the machines see it, to allow ssh from it only."""

import os
import socket
from ipaddress import ip_network

import httpx

from notebake.aws.networks import find_subnets
from notebake.errors import PreflightError
from notebake.local.loopback import is_loopback
from notebake.local.proxies import UNUSABLE_PROXY
from notebake.recipe import Recipe

CHECK_URL = "https://checkip.amazonaws.com"
HINT = "Set the address in the recipe, such as network.ssh_from: [203.0.113.7/32]"


def ssh_sources(recipe: Recipe) -> tuple[str, ...]:
    """Return the CIDR blocks that may reach port 22, sorted, with `auto` resolved."""
    wanted = recipe.network.ssh_from
    return tuple(sorted({own_block(recipe) if block == "auto" else block for block in wanted}))


def own_block(recipe: Recipe) -> str:
    """Return this worker's address as the machines see it, as a /32 block.

    Machines with private addresses, and those of a cloud on this machine, see the local address of
    the route to their subnet; all others see the address that Amazon sees.
    """
    is_here = is_loopback(os.environ.get("AWS_ENDPOINT_URL", ""))
    if recipe.network.address == "private" or is_here:
        subnet = find_subnets(recipe.network, recipe.region)[0]
        return f"{address_towards(str(subnet['CidrBlock']))}/32"
    return f"{address_seen_by_amazon()}/32"


def address_towards(cidr: str) -> str:
    """Return the local address from which packets to the network leave. Sends nothing."""
    target = str(next(iter(ip_network(cidr).hosts())))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((target, 22))
        except OSError as error:
            raise PreflightError(f"This computer has no route to {cidr}: {error}", HINT) from error
        return str(probe.getsockname()[0])


def address_seen_by_amazon() -> str:
    """Return the public address of this worker."""
    try:
        answer = httpx.get(CHECK_URL, timeout=10).raise_for_status().text.strip()
        socket.inet_aton(answer)
    except (httpx.HTTPError, OSError, *UNUSABLE_PROXY) as error:
        raise PreflightError(
            f"Asked {CHECK_URL} for this worker's address: {error}", HINT
        ) from error
    return answer
