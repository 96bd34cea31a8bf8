"""DescribeAddresses: the elastic addresses of the account."""

from typing import Any

from sandbox.ec2.calls.filters import matches
from sandbox.ec2.errors import ec2_error
from sandbox.ec2.instances.elastic_addresses import find_address
from sandbox.ec2.model import ElasticAddress, Params, View
from sandbox.ec2.state.region import Region
from sandbox.ec2.state.tags import view_tags


def describe_addresses(region: Region, parameters: Params) -> View:
    """Show them all at once, since the call has no pages."""
    for allocation_id in parameters.get("AllocationIds", []):
        find_address(region, allocation_id)
    known = {address.public_address for address in region.elastic_addresses.values()}
    for public in parameters.get("PublicIps", []):
        if public not in known:
            raise ec2_error("InvalidAddress.NotFound", f"Address '{public}' not found.")
    region.check_dry_run(parameters)
    return {
        "Addresses": [
            _view(region, address)
            for address in region.elastic_addresses.values()
            if address.id in parameters.get("AllocationIds", [address.id])
            and address.public_address in parameters.get("PublicIps", [address.public_address])
            and matches(parameters.get("Filters", []), _fields(address), region.tags_of(address.id))
        ]
    }


def _fields(address: ElasticAddress) -> dict[str, Any]:
    return {
        "allocation-id": address.id,
        "association-id": address.association_id,
        "domain": "vpc",
        "instance-id": address.instance_id,
        "public-ip": address.public_address,
    }


def _view(region: Region, address: ElasticAddress) -> View:
    shown: View = {
        "AllocationId": address.id,
        "PublicIp": address.public_address,
        "PublicIpv4Pool": "amazon",
        "NetworkBorderGroup": region.name,
        "Domain": "vpc",
        "Tags": view_tags(region, address.id),
    }
    instance = region.instances.get(address.instance_id or "")
    if not instance:
        return shown
    return {
        **shown,
        "AssociationId": address.association_id,
        "InstanceId": instance.id,
        "NetworkInterfaceId": instance.interface.id,
        "NetworkInterfaceOwnerId": region.account_id,
        "PrivateIpAddress": instance.private_address,
    }
