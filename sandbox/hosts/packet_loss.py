"""Packets that a network loses in silence, for one machine at a time, and counts.

Needs   the table of `firewall.up`, of which this gives the chain `lost`
"""

import re

from sandbox.home import IMDS_PORT, Home
from sandbox.programs import run_program

ELEMENT = re.compile(r"([\d.]+) counter packets (\d+)")
SSH = "frozen"
"""The machines of which nothing of ssh passes."""
EVERYTHING = "silent"
"""The machines of which nothing passes."""
OUTWARD = "enclosed"
"""The machines that reach nothing outside. As in a network without a way out, names are still
answered, and so is the metadata."""
CHAIN = f"""
    set {SSH} {{ type ipv4_addr; counter; }}
    set {EVERYTHING} {{ type ipv4_addr; counter; }}
    set {OUTWARD} {{ type ipv4_addr; counter; }}
    chain lost {{
        ct state new meta l4proto {{ tcp, udp }} th dport != {{ 53, {IMDS_PORT} }} \
            ip saddr @{OUTWARD} drop
        ct state new meta l4proto != {{ tcp, udp }} ip saddr @{OUTWARD} drop
        tcp dport 22 ip daddr @{SSH} drop
        tcp sport 22 ip saddr @{SSH} drop
        ip daddr @{EVERYTHING} drop
        ip saddr @{EVERYTHING} drop
    }}
"""


def lose(home: Home, address: str, what: str) -> None:
    """Lose `what`, in both directions, from now on; the counter starts anew. May be repeated."""
    element = f"add element ip {home.name} {what} {{ {address} }}\n"
    run_program("nft", "-f", "-", stdin=forgetting(home, address, what) + element)


def forget(home: Home, address: str, *what: str) -> None:
    """Undo `lose`, of everything unless told of what. May be repeated."""
    run_program("nft", "-f", "-", stdin=forgetting(home, address, *what))


def forgetting(home: Home, address: str, *what: str) -> str:
    """Return what `forget` tells nft."""
    return "".join(
        f"{verb} element ip {home.name} {name} {{ {address} }}\n"
        for name in what or (SSH, EVERYTHING, OUTWARD)
        for verb in ("add", "delete")  # what is not there cannot be deleted
    )


def count(home: Home, address: str, what: str) -> int:
    """Return how many packets were lost since `lose`; none where nothing is being lost."""
    return counts(home, what).get(address, 0)


def counts(home: Home, what: str) -> dict[str, int]:
    """Return how many packets were lost since `lose`, for each address for which it was called."""
    listed = run_program("nft", "list", "set", "ip", home.name, what)
    return {found[1]: int(found[2]) for found in ELEMENT.finditer(listed)}
