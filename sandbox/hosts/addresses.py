"""Addresses in the sandbox's network: the subnet of each zone, and the addresses of machines.

All regions share the bridge, so their default subnets are the same; no two machines ever have the
same address.
"""

from collections.abc import Iterator
from ipaddress import IPv4Network

# EC2 reserves the first four addresses of every subnet, and the last:
# https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
FIRST_FREE = 4


def divide(network: str, count: int) -> list[str]:
    """Return so many parts of the network: equal, as large as possible, at most a quarter each."""
    bits = max(2, (count - 1).bit_length())
    return [str(part) for part in IPv4Network(network).subnets(prefixlen_diff=bits)][:count]


def usable(subnet: str) -> Iterator[str]:
    """Yield the addresses of a subnet that instances may have."""
    block = IPv4Network(subnet)
    for number in range(FIRST_FREE, block.num_addresses - 1):
        yield str(block[number])


def is_part(subnet: str, network: str) -> bool:
    """Return whether the subnet is within the network."""
    return IPv4Network(subnet).subnet_of(IPv4Network(network))


def mac_address(address: str) -> str:
    """Return the MAC address of the machine with this address.

    A MAC that changed between two boots would cost half a minute of stale ARP entries.
    """
    return "02:6e:" + ":".join(f"{int(part):02x}" for part in address.split("."))
