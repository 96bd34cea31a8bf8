"""How instances and the hosts behind them follow each other."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from sandbox.hosts.machines import Exit
from tests.ec2_actions import code_of
from tests.sandbox.api.conftest import World

REFUSED = "UnsupportedOperation"
DATA_VOLUME = {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 2, "DeleteOnTermination": True}}


def test_its_addresses_are_those_of_the_host(world: World) -> None:
    shown = world.instance(world.launch_running())
    host = world.machines.addresses[shown["InstanceId"]]
    public = world.machines.public_addresses[shown["InstanceId"]]
    assert (shown["PublicIpAddress"], shown["PrivateIpAddress"]) == (public, host)
    interface = world.ec2.describe_network_interfaces()["NetworkInterfaces"][0]
    assert interface["Association"]["PublicIp"] == public
    assert interface["PrivateIpAddress"] == host


def test_a_host_is_reached_at_its_public_address_only_while_it_has_it(world: World) -> None:
    instance_id = world.launch_running()
    first = world.machines.public_addresses[instance_id]
    world.stop(instance_id)
    assert instance_id not in world.machines.public_addresses
    world.ec2.start_instances(InstanceIds=[instance_id])
    world.wait_for_state(instance_id, "running")
    assert world.machines.public_addresses[instance_id] not in (None, first)


def test_nothing_of_a_terminated_instance_stays_on_the_machine(world: World) -> None:
    instance_id = world.launch_running(BlockDeviceMappings=[DATA_VOLUME])
    world.terminate(instance_id)
    assert world.ec2.describe_volumes()["Volumes"] == []
    assert (world.machines.volumes, world.machines.roots) == ({}, {})
    assert world.machines.running() == []


@pytest.mark.parametrize(("behavior", "end"), [("stop", "stopped"), ("terminate", "terminated")])
def test_power_off_from_inside_does_what_the_instance_says(
    world: World, behavior: str, end: str
) -> None:
    instance_id = world.launch_running()
    world.ec2.modify_instance_attribute(
        InstanceId=instance_id, InstanceInitiatedShutdownBehavior={"Value": behavior}
    )
    world.machines.end_from_inside(instance_id, Exit.POWERED_OFF)
    world.wait_for_state(instance_id, end)
    shown = world.instance(instance_id)
    assert shown["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"
    # EC2 gives the time of calls only: cloud-custodian/cloud-custodian#6924
    assert shown["StateTransitionReason"] == "User initiated"


def test_a_host_that_is_killed_leaves_its_instance_stopped_and_says_why(world: World) -> None:
    instance_id = world.launch_running()
    world.machines.end_from_inside(instance_id, Exit.KILLED)
    world.wait_for_state(instance_id, "stopped")
    assert world.instance(instance_id)["StateReason"]["Code"] == "Server.InternalError"


def test_a_reboot_boots_the_host_again_and_the_instance_keeps_running(world: World) -> None:
    instance_id = world.launch_running()
    world.ec2.reboot_instances(InstanceIds=[instance_id])
    world.wait_until(lambda: world.machines.actions.count(("boot", instance_id)) == 2)
    assert world.state(instance_id) == "running"


def test_a_host_that_does_not_boot_ends_its_instance_and_says_why(world: World) -> None:
    world.machines.refuse_to_boot = True
    instance_id = world.launch(BlockDeviceMappings=[DATA_VOLUME])["InstanceId"]
    world.wait_for_state(instance_id, "terminated")
    assert "no room" in world.instance(instance_id)["StateReason"]["Message"]
    assert world.ec2.describe_volumes()["Volumes"] == []


def test_a_host_that_does_not_start_again_leaves_its_instance_stopped(world: World) -> None:
    instance_id = world.launch_running()
    world.stop(instance_id)
    world.machines.refuse_to_boot = True
    world.ec2.start_instances(InstanceIds=[instance_id])
    world.wait_for_state(instance_id, "stopped")
    assert "no room" in world.instance(instance_id)["StateReason"]["Message"]


def test_what_the_sandbox_cannot_honour_is_refused_and_makes_nothing(world: World) -> None:
    threads = {"CoreCount": 1, "ThreadsPerCore": 1}
    assert code_of(world.launch, CpuOptions=threads) == "UnsupportedOperation"
    assert world.machines.roots == {}


def test_a_parameter_that_says_nothing_is_no_parameter(world: World) -> None:
    assert code_of(world.launch, IamInstanceProfile={"Name": ""}) == "OK"
    assert code_of(world.launch, IamInstanceProfile={"Name": "x"}) == "InvalidParameterValue"


def test_instance_store_disks_come_with_the_type(world: World) -> None:
    instance_id = world.launch_running(InstanceType="m5ad.4xlarge")
    assert len(world.machines.stores[instance_id]) == 2


def test_the_console_is_the_hosts_own(world: World) -> None:
    instance_id = world.launch_running()
    output = world.ec2.get_console_output(InstanceId=instance_id)["Output"]
    assert f"keys of {instance_id}" in output
    world.terminate(instance_id)
    assert world.ec2.get_console_output(InstanceId=instance_id)["Output"] == output


@pytest.mark.parametrize(("instance_type", "code"), [("m5.large", "OK"), ("t2.micro", REFUSED)])
def test_the_latest_console_is_shown_on_nitro_only(
    world: World, instance_type: str, code: str
) -> None:
    instance_id = world.launch_running(InstanceType=instance_type)
    parameters = {"InstanceId": instance_id}
    assert code_of(world.ec2.get_console_output, **parameters, Latest=True) == code
    assert code_of(world.ec2.get_console_output, **parameters) == "OK"


def test_an_instance_lies_in_its_subnet_and_the_subnet_in_the_machines_network(
    world: World,
) -> None:
    vpc = world.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]
    assert vpc["CidrBlock"] == world.machines.subnet
    subnets = world.ec2.describe_subnets()["Subnets"]
    zones = {
        zone["ZoneName"] for zone in world.ec2.describe_availability_zones()["AvailabilityZones"]
    }
    assert {subnet["AvailabilityZone"] for subnet in subnets if subnet["DefaultForAz"]} == zones
    for subnet in subnets:
        block = IPv4Network(subnet["CidrBlock"])
        shown = world.launch(SubnetId=subnet["SubnetId"])
        assert IPv4Address(shown["PrivateIpAddress"]) in list(block)[4:-1]
        assert block.subnet_of(IPv4Network(vpc["CidrBlock"]))
        assert (subnet["VpcId"], subnet["MapPublicIpOnLaunch"]) == (vpc["VpcId"], True)


def test_a_subnet_of_ones_own_is_used_where_a_host_can_be(world: World) -> None:
    def subnet_of(vpc_block: str, block: str) -> str:
        vpc_id = world.ec2.create_vpc(CidrBlock=vpc_block)["Vpc"]["VpcId"]
        made: str = world.ec2.create_subnet(VpcId=vpc_id, CidrBlock=block)["Subnet"]["SubnetId"]
        return made

    inside = str(list(IPv4Network(world.machines.subnet).subnets(new_prefix=24))[3])
    shown = world.launch(SubnetId=subnet_of(inside, inside))
    assert IPv4Address(shown["PrivateIpAddress"]) in IPv4Network(inside)
    assert "PublicIpAddress" not in shown
    elsewhere = subnet_of("10.99.0.0/16", "10.99.1.0/24")
    assert code_of(world.launch, SubnetId=elsewhere) == "UnsupportedOperation"
