"""The default VPC of a region: the sandbox's own network, with a subnet for each zone."""

from typing import Any

from sandbox.hosts import addresses


def lay_default_network(network: Any, block: str) -> None:
    """Put a VPC of this block in the place of moto's own, which lies where no machine is."""
    for subnet in network.describe_subnets():
        network.delete_subnet(subnet.id)
    network.delete_vpc(network.default_vpc.id)
    network.default_vpc = network.create_vpc(block, is_default=True)
    zones = network.describe_availability_zones()
    for zone, part in zip(zones, addresses.divide(block, len(zones)), strict=True):
        network.create_subnet(network.default_vpc.id, part, availability_zone=zone.name)
    _lead_out(network)


def _lead_out(network: Any) -> None:
    """Add what moto's default VPC lacks: an internet gateway, and the main table's route to it."""
    gateway = network.create_internet_gateway()
    network.attach_internet_gateway(gateway.id, network.default_vpc.id)
    main = network.describe_route_tables(
        filters={"vpc-id": [network.default_vpc.id], "association.main": ["true"]}
    )[0]
    network.create_route(main.id, "0.0.0.0/0", gateway_id=gateway.id)
