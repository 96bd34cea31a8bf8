"""How the sandbox's one network is divided: which part is a zone's, and which addresses are free.

All regions share the bridge, so their default subnets are the same parts; no two machines ever
have the same address.
"""

from collections.abc import Iterator
from ipaddress import IPv4Network

# EC2 keeps the first four addresses of every subnet, and the last one:
# https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
FIRST_FREE = 4


def divide(network: str, count: int) -> list[str]:
    """Return so many equal parts of the network, each as large as can be, but at most a quarter."""
    bits = max(2, (count - 1).bit_length())
    return [str(part) for part in IPv4Network(network).subnets(prefixlen_diff=bits)][:count]


def usable(subnet: str) -> Iterator[str]:
    """Yield the addresses of a subnet that instances may have."""
    block = IPv4Network(subnet)
    for number in range(FIRST_FREE, block.num_addresses - 1):
        yield str(block[number])


def is_part(subnet: str, network: str) -> bool:
    """Tell whether the subnet lies in the network."""
    return IPv4Network(subnet).subnet_of(IPv4Network(network))
