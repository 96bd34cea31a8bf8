"""Packets that the network drops silently, for single machines, with counters.

Needs   the table of `firewall.up`, for which this has the chain `lost`
"""

import re

from sandbox.home import IMDS_PORT, Home
from sandbox.programs import run_program

ELEMENT = re.compile(r"([\d.]+) counter packets (\d+)")
SSH = "frozen"
"""The machines to and from which ssh packets are dropped."""
EVERYTHING = "silent"
"""The machines to and from which all packets are dropped."""
EGRESS = "enclosed"
"""The machines whose outbound connections are dropped, except those for DNS and metadata."""
CHAIN = f"""
    set {SSH} {{ type ipv4_addr; counter; }}
    set {EVERYTHING} {{ type ipv4_addr; counter; }}
    set {EGRESS} {{ type ipv4_addr; counter; }}
    chain lost {{
        ct state new meta l4proto {{ tcp, udp }} th dport != {{ 53, {IMDS_PORT} }} \
            ip saddr @{EGRESS} drop
        ct state new meta l4proto != {{ tcp, udp }} ip saddr @{EGRESS} drop
        tcp dport 22 ip daddr @{SSH} drop
        tcp sport 22 ip saddr @{SSH} drop
        ip daddr @{EVERYTHING} drop
        ip saddr @{EVERYTHING} drop
    }}
"""


def drop(home: Home, address: str, kind: str) -> None:
    """Drop packets of this kind from now on, and count from 0. May be repeated."""
    element = f"add element ip {home.name} {kind} {{ {address} }}\n"
    run_program("nft", "-f", "-", stdin=stop_script(home, address, kind) + element)


def stop(home: Home, address: str, *kinds: str) -> None:
    """Stop dropping packets of these kinds, by default of all. May be repeated."""
    run_program("nft", "-f", "-", stdin=stop_script(home, address, *kinds))


def stop_script(home: Home, address: str, *kinds: str) -> str:
    """Return the nft script of `stop`."""
    return "".join(
        f"{verb} element ip {home.name} {kind} {{ {address} }}\n"
        for kind in kinds or (SSH, EVERYTHING, EGRESS)
        for verb in ("add", "delete")  # only what exists can be deleted
    )


def dropped(home: Home, address: str, kind: str) -> int:
    """Return how many packets were dropped since `drop`; 0 if none are being dropped."""
    return dropped_by_address(home, kind).get(address, 0)


def dropped_by_address(home: Home, kind: str) -> dict[str, int]:
    """Return how many packets were dropped since `drop`, for each address."""
    listed = run_program("nft", "list", "set", "ip", home.name, kind)
    return {found[1]: int(found[2]) for found in ELEMENT.finditer(listed)}
