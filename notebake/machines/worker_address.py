"""Which address the machines see this worker at, so that ssh is let in from there only."""

import os
import socket
from ipaddress import ip_network

import httpx

from notebake.aws.networks import find_subnets
from notebake.errors import PreflightError
from notebake.local.loopback import is_loopback
from notebake.recipe import Recipe

CHECK_URL = "https://checkip.amazonaws.com"
UNUSABLE_PROXY = (ImportError, ValueError, httpx.InvalidURL)
"""What httpx raises where the environment names a proxy that it cannot use, as for socks."""
HINT = "Name the address in the recipe, such as network.ssh_from: [203.0.113.7/32]"


def ssh_sources(recipe: Recipe) -> tuple[str, ...]:
    """Return the CIDR blocks that may reach port 22, `auto` resolved, sorted."""
    wanted = recipe.network.ssh_from
    return tuple(sorted({own_block(recipe) if one == "auto" else one for one in wanted}))


def own_block(recipe: Recipe) -> str:
    """Return this worker's address as the machines see it, as a /32.

    Machines that are reached at their private address, and those of a cloud on this very machine,
    see the address of the way to their subnet; all others the one that Amazon sees.
    """
    is_here = is_loopback(os.environ.get("AWS_ENDPOINT_URL", ""))
    if recipe.network.address == "private" or is_here:
        subnet = find_subnets(recipe.network, recipe.region)[0]
        return f"{address_towards(str(subnet['CidrBlock']))}/32"
    return f"{address_seen_by_amazon()}/32"


def address_towards(cidr: str) -> str:
    """Return the local address from which packets to a network leave. Sends nothing."""
    somebody = str(next(iter(ip_network(cidr).hosts())))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        try:
            way.connect((somebody, 22))
        except OSError as error:
            raise PreflightError(f"There is no way from here to {cidr}: {error}", HINT) from error
        return str(way.getsockname()[0])


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
