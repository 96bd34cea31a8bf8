"""Elastic addresses: whose they are, what they stand for, and when they can go."""

from typing import Any

import pytest

from tests.conformance.world import World
from tests.ec2_actions import code_of

MOST = 5
NOBODYS = "eipalloc-0123456789abcdef0"


def allocate(world: World) -> dict[str, Any]:
    allocated: dict[str, Any] = world.ec2.allocate_address(Domain="vpc")
    return allocated


def shown(world: World, address: dict[str, Any]) -> dict[str, Any]:
    found = world.ec2.describe_addresses(AllocationIds=[address["AllocationId"]])["Addresses"]
    described: dict[str, Any] = found[0]
    return described


def associate(world: World, address: dict[str, Any], instance_id: str, **more: Any) -> str:
    parameters = {"AllocationId": address["AllocationId"], "InstanceId": instance_id, **more}
    return str(world.ec2.associate_address(**parameters)["AssociationId"])


def public_address(world: World, instance_id: str) -> str:
    return str(world.instance(instance_id).get("PublicIpAddress", ""))


def test_an_address_is_the_accounts_until_it_is_released(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AllocateAddress.html"""
    value = world.name("owner")
    tags = [{"ResourceType": "elastic-ip", "Tags": [{"Key": "owner", "Value": value}]}]
    address = world.ec2.allocate_address(Domain="vpc", TagSpecifications=tags)
    assert (address["Domain"], shown(world, address)["PublicIp"]) == ("vpc", address["PublicIp"])
    by_tag = [{"Name": "tag:owner", "Values": [value]}]
    found = world.ec2.describe_addresses(Filters=by_tag)["Addresses"]
    assert [each["AllocationId"] for each in found] == [address["AllocationId"]]
    assert "AssociationId" not in found[0]
    world.ec2.release_address(AllocationId=address["AllocationId"])
    again = code_of(world.ec2.release_address, AllocationId=address["AllocationId"])
    assert again == "InvalidAllocationID.NotFound"
    ids = [address["AllocationId"]]
    assert code_of(world.ec2.describe_addresses, AllocationIds=ids) == again


def test_it_replaces_the_address_that_was_given_and_stays_over_stop_and_start(
    world: World,
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-instance-addressing.html"""
    instance_id, address = world.launch_running(), allocate(world)
    given = public_address(world, instance_id)
    association = associate(world, address, instance_id)
    assert public_address(world, instance_id) == address["PublicIp"] != given
    described = shown(world, address)
    assert (described["InstanceId"], described["AssociationId"]) == (instance_id, association)
    world.stop(instance_id)
    assert public_address(world, instance_id) == address["PublicIp"]
    world.ec2.start_instances(InstanceIds=[instance_id])
    world.wait_for_state(instance_id, "running")
    assert public_address(world, instance_id) == address["PublicIp"]
    world.ec2.disassociate_address(AssociationId=association)
    world.wait_until(lambda: public_address(world, instance_id) not in ("", address["PublicIp"]))


def test_it_is_in_use_until_it_is_disassociated_or_the_machine_is_gone(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReleaseAddress.html"""
    instance_id, address = world.launch_running(), allocate(world)
    association = associate(world, address, instance_id)
    release = {"AllocationId": address["AllocationId"]}
    assert code_of(world.ec2.release_address, **release) == "InvalidIPAddress.InUse"
    world.terminate(instance_id)
    world.wait_until(lambda: "InstanceId" not in shown(world, address))
    gone = code_of(world.ec2.disassociate_address, AssociationId=association)
    assert gone == "InvalidAssociationID.NotFound"
    assert code_of(world.ec2.release_address, **release) == "OK"


def test_it_moves_from_machine_to_machine_unless_that_is_ruled_out(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateAddress.html"""
    first, second, address = world.launch_running(), world.launch_running(), allocate(world)
    association = associate(world, address, first)
    parameters = {"AllocationId": address["AllocationId"], "AllowReassociation": False}
    refused = code_of(world.ec2.associate_address, **parameters, InstanceId=second)
    assert refused == "Resource.AlreadyAssociated"
    assert associate(world, address, second) != association
    assert public_address(world, second) == address["PublicIp"]
    assert public_address(world, first) != address["PublicIp"]


def test_the_same_association_again_is_no_error_and_another_address_takes_its_place(
    world: World,
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateAddress.html"""
    instance_id, first, second = world.launch_running(), allocate(world), allocate(world)
    associate(world, first, instance_id)
    associate(world, first, instance_id, AllowReassociation=False)
    assert public_address(world, instance_id) == first["PublicIp"]
    associate(world, second, instance_id)
    assert public_address(world, instance_id) == second["PublicIp"]
    assert "InstanceId" not in shown(world, first)


def test_a_machine_that_is_not_there_yet_gets_none(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"""
    address = allocate(world)
    with world.during_transition():
        instance_id = world.launch()["InstanceId"]
        parameters = {"AllocationId": address["AllocationId"], "InstanceId": instance_id}
        early = code_of(world.ec2.associate_address, **parameters)
    assert early == "InvalidInstanceID"
    unknown = {"AllocationId": NOBODYS, "InstanceId": instance_id}
    assert code_of(world.ec2.associate_address, **unknown) == "InvalidAllocationID.NotFound"


def test_a_region_has_five(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/elastic-ip-addresses-eip.html"""
    quota = {"ServiceCode": "ec2", "QuotaCode": "L-0263D0A3"}
    most = world.client("service-quotas").get_service_quota(**quota)["Quota"]["Value"]
    used = len(world.ec2.describe_addresses()["Addresses"])
    if most > MOST:
        pytest.skip(f"this account may have {most:.0f}")
    for _ in range(int(most) - used):
        allocate(world)
    assert code_of(world.ec2.allocate_address, Domain="vpc") == "AddressLimitExceeded"
