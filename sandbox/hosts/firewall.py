"""Security groups as nftables rules: a machine is reached only as its rules allow.

All machines are on isolated ports of the bridge, so that traffic between machines passes through
these rules as well. Outbound traffic and its replies always pass.

A public address stands for the private one of a machine, as long as it is published. What is sent
to another public address is dropped, and so are connections through one that is withdrawn.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.errors import SandboxError
from sandbox.home import IMDS_PORT, Home
from sandbox.hosts import packet_loss
from sandbox.programs import run_program

IMDS_ADDRESS = "169.254.169.254"
PUBLISHED = "published"
"""The private address behind each public address."""
PAIRS = "published_pairs"
"""The same as pairs, against which connections are checked that have begun before."""


@dataclass(frozen=True)
class Rule:
    """An inbound rule. Protocol "-1" is every protocol; ports None is every port."""

    protocol: str
    from_port: int | None
    to_port: int | None
    cidr: str


def up(home: Home) -> None:
    """Load the sandbox's table: outbound traffic, metadata, and nothing inbound for any machine."""
    down(home)
    _load(
        f"""
        table ip {home.name} {{
            map machines {{ type ipv4_addr : verdict; }}
            map {PUBLISHED} {{ type ipv4_addr : ipv4_addr; }}
            set {PAIRS} {{ type ipv4_addr . ipv4_addr; }}
            chain inbound {{
                ct original ip daddr {home.public_subnet} \
                    ct original ip daddr . ct reply ip saddr != @{PAIRS} drop
                ct state established,related accept
                ip daddr vmap @machines
                drop
            }}
            {packet_loss.CHAIN}
            chain input {{
                type filter hook input priority filter;
                iifname "{home.bridge}" jump lost
            }}
            chain forward {{
                type filter hook forward priority filter;
                jump lost
                oifname "{home.bridge}" jump inbound
            }}
            chain output {{
                type filter hook output priority filter;
                oifname "{home.bridge}" jump lost
                oifname "{home.bridge}" jump inbound
            }}
            chain prerouting {{
                type nat hook prerouting priority dstnat;
                iifname "{home.bridge}" ip daddr {IMDS_ADDRESS} tcp dport 80 \
                    dnat to {home.gateway}:{IMDS_PORT}
                dnat to ip daddr map @{PUBLISHED}
            }}
            chain local {{
                type nat hook output priority -100;
                dnat to ip daddr map @{PUBLISHED}
            }}
            chain postrouting {{
                type nat hook postrouting priority srcnat;
                ip saddr {home.subnet} oifname != "{home.bridge}" masquerade
            }}
        }}
        """
    )
    for chain, direction in _foreign_filters():
        run_program("iptables", "-I", chain, direction, home.bridge, "-j", "ACCEPT")


def down(home: Home) -> None:
    """Remove the table. May be repeated."""
    _load(f"table ip {home.name} {{}}\ndelete table ip {home.name}")
    for chain, direction in _foreign_filters():
        rule = (chain, direction, home.bridge, "-j", "ACCEPT")
        while _succeeds("iptables", "-C", *rule):
            run_program("iptables", "-D", *rule)


def is_up(home: Home) -> bool:
    """Return whether the sandbox's table is loaded."""
    return _succeeds("nft", "list", "table", "ip", home.name)


def set_rules(home: Home, address: str, rules: Sequence[Rule]) -> None:
    """Admit to this address only what the rules allow, from now on."""
    chain = _chain_of(address)
    lines = [f"add rule ip {home.name} {chain} {_statement(rule)} accept" for rule in rules]
    _load(
        f"add chain ip {home.name} {chain}\n"
        f"flush chain ip {home.name} {chain}\n"
        + "".join(f"{line}\n" for line in lines)
        + f"add element ip {home.name} machines {{ {address} : jump {chain} }}"
    )


def remove_rules(home: Home, address: str) -> None:
    """Remove the rules of this address, and stop dropping its packets. May be repeated."""
    chain = _chain_of(address)
    element = f"{{ {address} : jump {chain} }}"
    # Only what exists can be deleted, so it is added first.
    _load(
        packet_loss.stop_script(home, address) + f"add chain ip {home.name} {chain}\n"
        f"flush chain ip {home.name} {chain}\n"
        f"add element ip {home.name} machines {element}\n"
        f"delete element ip {home.name} machines {element}\n"
        f"delete chain ip {home.name} {chain}"
    )


def publish(home: Home, public: str, private: str) -> None:
    """Let this public address stand for the machine with the private one, from now on."""
    _load(_change("add", home, public, private))


def withdraw(home: Home, public: str, private: str) -> None:
    """Undo `publish`: connections through the public address end, too. May be repeated."""
    # Only what exists can be deleted, so it is added first.
    _load(_change("add", home, public, private) + _change("delete", home, public, private))


def _change(verb: str, home: Home, public: str, private: str) -> str:
    return (
        f"{verb} element ip {home.name} {PUBLISHED} {{ {public} : {private} }}\n"
        f"{verb} element ip {home.name} {PAIRS} {{ {public} . {private} }}\n"
    )


def _statement(rule: Rule) -> str:
    source = f"ip saddr {rule.cidr}"
    if rule.protocol in ("-1", "icmp"):
        return source if rule.protocol == "-1" else f"{source} ip protocol icmp"
    if rule.protocol not in ("tcp", "udp"):
        raise SandboxError(f"The sandbox does not support the protocol {rule.protocol!r}")
    if rule.from_port is None or rule.to_port is None:
        return f"{source} ip protocol {rule.protocol}"
    return f"{source} {rule.protocol} dport {rule.from_port}-{rule.to_port}"


def _chain_of(address: str) -> str:
    return f"to-{address.rpartition('.')[2]}"


def _foreign_filters() -> list[tuple[str, str]]:
    """Return where other filters need a rule for the bridge: Docker and ufw drop by default."""
    chains = {"FORWARD": ("-i", "-o"), "INPUT": ("-i",)}
    if not shutil.which("iptables") or not _succeeds("iptables", "-S"):
        return []
    return [
        (chain, direction)
        for chain, directions in chains.items()
        if f"-P {chain} DROP" in run_program("iptables", "-S", chain)
        for direction in directions
    ]


def _succeeds(*command: str) -> bool:
    try:
        run_program(*command)
    except SandboxError:
        return False
    return True


def _load(text: str) -> None:
    run_program("nft", "-f", "-", stdin=text)
