"""Where an instance is launched: its zone, subnet, security groups and public address."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sandbox.ec2.errors import check_known, ec2_error, unsupported
from sandbox.ec2.instances.capacity import has_capacity, launch_facts
from sandbox.ec2.instances.types import check_offered, zones_offering
from sandbox.ec2.model import Params
from sandbox.ec2.state.region import Region
from sandbox.hosts import addresses

INTERFACE_PARAMETERS = {
    "AssociatePublicIpAddress",
    "DeleteOnTermination",
    "Description",
    "DeviceIndex",
    "Groups",
    "SubnetId",
}


@dataclass(frozen=True)
class Placement:
    """A placement that has been checked. The subnet is moto's."""

    subnet: Any
    group_ids: list[str]
    has_public_address: bool
    description: str

    @property
    def zone(self) -> str:
        return str(self.subnet.availability_zone)


def choose_placement(
    region: Region, parameters: Params, instance_type: str, tags: Mapping[str, str]
) -> Placement:
    """Return the requested placement, or one with capacity. Raises EC2's errors."""
    interface = _read_interface(parameters)
    subnet = _find_subnet(region, parameters, instance_type, tags)
    check_offered(instance_type, subnet.availability_zone, region.name)
    if not addresses.is_part(subnet.cidr_block, region.core.machines.subnet):
        hosts = f"all its hosts are in {region.core.machines.subnet}"
        raise unsupported(f"instances in {subnet.cidr_block}: {hosts}")
    group_ids = interface.get("Groups") or parameters.get("SecurityGroupIds") or []
    names = parameters.get("SecurityGroups", [])
    is_public = interface.get("AssociatePublicIpAddress", subnet.map_public_ip_on_launch)
    return Placement(
        subnet=subnet,
        group_ids=_find_groups(region, group_ids, names, subnet),
        has_public_address=bool(is_public),
        description=interface.get("Description", ""),
    )


def check_addresses(region: Region, subnet: Any, count: int) -> None:
    """Raise EC2's error if a subnet has fewer free addresses than this."""
    free = region.core.machines.free_addresses(subnet.cidr_block)
    if len(list(islice(free, count))) < count:
        message = (
            f"There are not enough free addresses in subnet '{subnet.id}' to satisfy the "
            "requested number of instances."
        )
        raise ec2_error("InsufficientFreeAddressesInSubnet", message)


def token_scope(region: Region, parameters: Params) -> str:
    """Return the zone in which a client token counts, or the region for a request without a zone.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Run_Instance_Idempotency.html
    """
    if zone := parameters.get("Placement", {}).get("AvailabilityZone"):
        return str(zone)
    subnet_id = _subnet_id(parameters)
    return str(region.network.get_subnet(subnet_id).availability_zone) if subnet_id else region.name


def _read_interface(parameters: Params) -> Params:
    interfaces: list[Params] = parameters.get("NetworkInterfaces") or []
    if not interfaces:
        return {}
    if len(interfaces) > 1 or "NetworkInterfaceId" in interfaces[0]:
        raise unsupported("network interfaces other than a single new interface")
    check_known(interfaces[0], INTERFACE_PARAMETERS)
    if interfaces[0].get("DeviceIndex") or interfaces[0].get("DeleteOnTermination") is False:
        raise unsupported("an interface that is not the first, or that outlives its instance")
    kind = "subnet ID" if "SubnetId" in parameters else "security groups"
    if {"SubnetId", "SecurityGroupIds", "SecurityGroups"} & parameters.keys():
        message = f"Network interfaces and an instance-level {kind} may not be specified"
        raise ec2_error("InvalidParameterCombination", f"{message} on the same request")
    return interfaces[0]


def _subnet_id(parameters: Params) -> str | None:
    interfaces = parameters.get("NetworkInterfaces") or [{}]
    found: str | None = parameters.get("SubnetId") or interfaces[0].get("SubnetId")
    return found


def _find_subnet(
    region: Region, parameters: Params, instance_type: str, tags: Mapping[str, str]
) -> Any:
    zone = parameters.get("Placement", {}).get("AvailabilityZone")
    zones = [known.name for known in region.network.describe_availability_zones()]
    if zone and zone not in zones:
        raise ec2_error("InvalidParameterValue", f"Invalid availability zone: [{zone}]")
    if subnet_id := _subnet_id(parameters):
        subnet = region.network.get_subnet(subnet_id)
        if zone and subnet.availability_zone != zone:
            message = "The specified subnet is in another Availability Zone than the placement"
            raise ec2_error("InvalidParameterValue", message)
        return subnet
    defaults = region.network.get_default_subnets()
    if not defaults:
        message = "No default VPC for this user. GroupName is only supported for EC2-Classic"
        raise ec2_error("VPCIdNotSpecified", f"{message} and default VPC.")
    wanted = [zone] if zone else [*zones_offering(instance_type, region.name), *zones]
    found = [name for name in wanted if name in defaults]
    for name in found:
        if has_capacity(region, launch_facts("RunInstances", instance_type, name, tags)):
            return defaults[name]
    if found:
        return defaults[found[0]]
    raise ec2_error("MissingInput", f"No default subnet for availability zone: '{wanted[0]}'.")


def _find_groups(region: Region, group_ids: list[str], names: list[str], subnet: Any) -> list[str]:
    found = [region.find_group(group_id) for group_id in group_ids]
    found += [region.find_group_by_name(name, subnet.vpc_id) for name in names]
    for group in found:
        if group.vpc_id != subnet.vpc_id:
            message = f"Security group {group.id} and subnet {subnet.id} belong to different"
            raise ec2_error("InvalidParameter", f"{message} networks.")
    default = region.network.get_default_security_group(subnet.vpc_id)
    return [group.id for group in found or [default]]
