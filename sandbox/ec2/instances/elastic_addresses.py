"""Elastic addresses: they belong to the account until they are released, and cost all the while.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/elastic-ip-addresses-eip.html
"""

from typing import Any

from sandbox.ec2.calls.filters import matches
from sandbox.ec2.errors import check_known, ec2_error, missing, not_found, unsupported
from sandbox.ec2.instances.capacity import check_addresses_quota
from sandbox.ec2.instances.public_address import give_address, publish_address
from sandbox.ec2.model import ElasticAddress, Instance, Params, View, new_id
from sandbox.ec2.state.region import Region
from sandbox.ec2.state.tags import read_tag_specifications, view_tags

ASSOCIABLE = ("running", "stopping", "stopped")


def allocate_address(region: Region, parameters: Params) -> View:
    """AllocateAddress."""
    check_known(parameters, {"Domain", "DryRun", "TagSpecifications", "NetworkBorderGroup"})
    if parameters.get("Domain", "vpc") != "vpc":
        raise unsupported("addresses outside of a VPC")
    tags = read_tag_specifications(parameters, ["elastic-ip"])["elastic-ip"]
    region.check_dry_run(parameters)
    check_addresses_quota(region, len(region.elastic_addresses))
    address = ElasticAddress(new_id("eipalloc"), region.core.public_addresses.take())
    region.elastic_addresses[address.id] = address
    region.tag(address.id, tags)
    return {
        "AllocationId": address.id,
        "PublicIp": address.public_address,
        "PublicIpv4Pool": "amazon",
        "NetworkBorderGroup": region.name,
        "Domain": "vpc",
    }


def release_address(region: Region, parameters: Params) -> None:
    """ReleaseAddress: not while it is associated."""
    if "AllocationId" not in parameters:
        raise missing("allocationId")
    address = _find_address(region, parameters["AllocationId"])
    region.check_dry_run(parameters)
    if address.instance_id:
        message = f"Address {address.public_address} is in use."
        raise ec2_error("InvalidIPAddress.InUse", message)
    del region.elastic_addresses[address.id]
    region.untag(address.id)
    region.core.public_addresses.release(address.public_address)


def associate_address(region: Region, parameters: Params) -> View:
    """AssociateAddress, with an instance; what either had before is dissociated.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateAddress.html
    """
    known = {"AllocationId", "InstanceId", "AllowReassociation", "DryRun"}
    check_known(parameters, known)
    for name in ("AllocationId", "InstanceId"):
        if name not in parameters:
            raise missing(name[0].lower() + name[1:])
    address = _find_address(region, parameters["AllocationId"])
    instance = region.find_instance(parameters["InstanceId"])
    if instance.state not in ASSOCIABLE:
        message = f"The {instance.state} instance '{instance.id}' is not in a valid state for"
        raise ec2_error("InvalidInstanceID", f"{message} this operation.")
    if address.instance_id == instance.id:
        return {"AssociationId": address.association_id}
    if address.instance_id and not parameters.get("AllowReassociation", True):
        message = f"resource {address.id} is already associated with associate-id"
        raise ec2_error("Resource.AlreadyAssociated", f"{message} {address.association_id}")
    region.check_dry_run(parameters)
    for other in region.elastic_addresses.values():
        if other is address or other.instance_id == instance.id:
            _dissociate(region, other)
    address.instance_id, address.association_id = instance.id, new_id("eipassoc")
    _set_elastic(region, instance, address.public_address)
    return {"AssociationId": address.association_id}


def disassociate_address(region: Region, parameters: Params) -> None:
    """DisassociateAddress."""
    check_known(parameters, {"AssociationId", "DryRun"})
    association_id = parameters.get("AssociationId")
    if not association_id:
        raise missing("associationId")
    for address in region.elastic_addresses.values():
        if address.association_id == association_id:
            region.check_dry_run(parameters)
            _dissociate(region, address)
            return
    message = f"The association ID '{association_id}' does not exist"
    raise ec2_error("InvalidAssociationID.NotFound", message)


def describe_addresses(region: Region, parameters: Params) -> View:
    """DescribeAddresses: all at once, since it has no pages."""
    for allocation_id in parameters.get("AllocationIds", []):
        _find_address(region, allocation_id)
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


def release_from(region: Region, instance: Instance) -> None:
    """Dissociate the elastic address of an instance that ends; the account keeps it."""
    for address in region.elastic_addresses.values():
        if address.instance_id == instance.id:
            address.instance_id = address.association_id = None
    instance.elastic_address = None


def _find_address(region: Region, allocation_id: str) -> ElasticAddress:
    if found := region.elastic_addresses.get(allocation_id):
        return found
    raise not_found(allocation_id, "eipalloc")


def _dissociate(region: Region, address: ElasticAddress) -> None:
    if instance := region.instances.get(address.instance_id or ""):
        _set_elastic(region, instance, None)
    address.instance_id = address.association_id = None


def _set_elastic(region: Region, instance: Instance, address: str | None) -> None:
    instance.elastic_address = address
    give_address(region, instance)
    publish_address(region, instance)


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
