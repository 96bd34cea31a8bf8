"""The default VPC of a region: the sandbox's own network, with a subnet for each zone."""

from typing import Any

from sandbox.hosts import addresses


def create_default_network(network: Any, block: str) -> None:
    """Replace moto's default VPC, in which no machine can be, by a VPC of this CIDR block."""
    for subnet in network.describe_subnets():
        network.delete_subnet(subnet.id)
    network.delete_vpc(network.default_vpc.id)
    network.default_vpc = network.create_vpc(block, is_default=True)
    zones = network.describe_availability_zones()
    for zone, part in zip(zones, addresses.divide(block, len(zones)), strict=True):
        network.create_subnet(network.default_vpc.id, part, availability_zone=zone.name)
    _add_internet_gateway(network)
    _let_default_group_talk(network)


def _add_internet_gateway(network: Any) -> None:
    """Add an internet gateway and a route to it, which moto's default VPC lacks."""
    gateway = network.create_internet_gateway()
    network.attach_internet_gateway(gateway.id, network.default_vpc.id)
    main = network.describe_route_tables(
        filters={"vpc-id": [network.default_vpc.id], "association.main": ["true"]}
    )[0]
    network.create_route(main.id, "0.0.0.0/0", gateway_id=gateway.id)


def _let_default_group_talk(network: Any) -> None:
    """Add the rule that moto omits: the members of the default group reach one another."""
    group = network.get_default_security_group()
    network.authorize_security_group_ingress(
        group.id, "-1", None, None, [], source_groups=[{"GroupId": group.id}]
    )
