import base64
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from sandbox.machines import Exit
from tests.sandbox.api.conftest import PUBLIC_KEY, UBUNTU, ZONE, World, code_of

DATA_VOLUME = {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 2, "DeleteOnTermination": True}}


def test_an_instance_is_pending_before_it_runs(world: World) -> None:
    with world.machines.held():
        launched = world.launch()
        assert launched["State"]["Name"] == "pending"
        assert world.state(launched["InstanceId"]) == "pending"
        early = code_of(world.ec2.stop_instances, InstanceIds=[launched["InstanceId"]])
        assert early == "IncorrectInstanceState"
    world.wait_for_state(launched["InstanceId"], "running")
    assert world.machines.running() == [launched["InstanceId"]]


def test_its_addresses_are_those_of_the_host(world: World) -> None:
    shown = world.instance(world.launch_running())
    host = world.machines.addresses[shown["InstanceId"]]
    assert (shown["PublicIpAddress"], shown["PrivateIpAddress"]) == (host, host)
    interface = world.ec2.describe_network_interfaces()["NetworkInterfaces"][0]
    assert interface["Association"]["PublicIp"] == interface["PrivateIpAddress"] == host


def test_a_public_address_is_given_only_where_it_is_wanted(world: World) -> None:
    hidden = {"DeviceIndex": 0, "AssociatePublicIpAddress": False}
    shown = world.instance(world.launch_running(NetworkInterfaces=[hidden]))
    assert "PublicIpAddress" not in shown
    world.stop(shown["InstanceId"])
    assert world.instance(shown["InstanceId"])["PrivateIpAddress"] == shown["PrivateIpAddress"]


def test_stop_and_start_take_their_time_and_keep_the_address(world: World) -> None:
    instance_id = world.launch_running()
    before = world.instance(instance_id)["PrivateIpAddress"]
    with world.machines.held():
        stopping = world.ec2.stop_instances(InstanceIds=[instance_id])["StoppingInstances"][0]
        assert stopping["CurrentState"]["Name"] == "stopping"
        early = code_of(world.ec2.start_instances, InstanceIds=[instance_id])
        assert early == "IncorrectInstanceState"
    world.wait_for_state(instance_id, "stopped")
    assert "PublicIpAddress" not in world.instance(instance_id)
    starting = world.ec2.start_instances(InstanceIds=[instance_id])["StartingInstances"][0]
    assert starting["CurrentState"]["Name"] == "pending"
    world.wait_for_state(instance_id, "running")
    assert world.instance(instance_id)["PrivateIpAddress"] == before


def test_a_terminated_instance_stays_to_be_seen_without_network_and_volumes(world: World) -> None:
    instance_id = world.launch_running(BlockDeviceMappings=[DATA_VOLUME])
    world.terminate(instance_id)
    shown = world.instance(instance_id)
    assert shown["BlockDeviceMappings"] == shown["NetworkInterfaces"] == []
    assert "PrivateIpAddress" not in shown
    assert world.ec2.describe_volumes()["Volumes"] == []
    assert world.machines.volumes == {}
    assert code_of(world.ec2.terminate_instances, InstanceIds=[instance_id]) == "OK"
    assert code_of(world.ec2.stop_instances, InstanceIds=[instance_id]) == "IncorrectInstanceState"
    assert code_of(world.ec2.start_instances, InstanceIds=[instance_id]) == "IncorrectInstanceState"


def test_a_volume_that_is_not_to_be_deleted_outlives_the_instance(world: World) -> None:
    kept = {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 2, "DeleteOnTermination": False}}
    world.terminate(world.launch_running(BlockDeviceMappings=[kept]))
    volumes = world.ec2.describe_volumes()["Volumes"]
    assert [(one["Size"], one["State"]) for one in volumes] == [(2, "available")]


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
    reason = world.instance(instance_id)["StateReason"]["Code"]
    assert reason == "Client.InstanceInitiatedShutdown"


def test_a_host_that_is_killed_leaves_its_instance_stopped_and_says_why(world: World) -> None:
    instance_id = world.launch_running()
    world.machines.end_from_inside(instance_id, Exit.KILLED)
    world.wait_for_state(instance_id, "stopped")
    assert world.instance(instance_id)["StateReason"]["Code"] == "Server.InternalError"


def test_a_reboot_boots_the_host_again_and_the_instance_keeps_running(world: World) -> None:
    instance_id = world.launch_running()
    world.ec2.reboot_instances(InstanceIds=[instance_id])
    world.wait_until(lambda: world.machines.asked.count(("boot", instance_id)) == 2)
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


def test_the_same_token_returns_the_same_instance_even_when_it_is_gone(world: World) -> None:
    first = world.launch_running(ClientToken="one")
    assert world.launch(ClientToken="one")["InstanceId"] == first
    world.terminate(first)
    assert world.launch(ClientToken="one")["InstanceId"] == first
    assert world.launch(ClientToken="two")["InstanceId"] != first


def test_the_same_token_for_something_else_is_refused(world: World) -> None:
    world.launch(ClientToken="one")
    answer = code_of(world.launch, ClientToken="one", InstanceType="t3.small")
    assert answer == "IdempotentParameterMismatch"


def test_the_same_token_in_another_zone_is_another_request(world: World) -> None:
    ids = {
        world.launch(ClientToken="one", Placement={"AvailabilityZone": zone})["InstanceId"]
        for zone in (ZONE, "us-west-2b", ZONE)
    }
    ids.add(world.launch(ClientToken="one")["InstanceId"])
    assert len(ids) == 3


def test_a_launch_is_found_by_its_token_and_its_tags(world: World) -> None:
    tags = [{"Key": "run", "Value": "r1"}]
    kinds = ("instance", "volume", "network-interface")
    specified = [{"ResourceType": kind, "Tags": tags} for kind in kinds]
    instance_id = world.launch(ClientToken="one", TagSpecifications=specified)["InstanceId"]

    def find(**values: str) -> list[str]:
        filters = [{"Name": name, "Values": [value]} for name, value in values.items()]
        found = world.ec2.describe_instances(Filters=filters)["Reservations"]
        return [one["InstanceId"] for each in found for one in each["Instances"]]

    assert find(**{"client-token": "one"}) == find(**{"tag:run": "r1"}) == [instance_id]
    assert find(**{"tag-key": "r*"}) == [instance_id]
    assert find(**{"client-token": "other"}) == find(**{"tag:run": "r2"}) == []
    assert world.instance(instance_id)["ClientToken"] == "one"
    filters = [{"Name": "tag:run", "Values": ["r1"]}]
    assert len(world.ec2.describe_volumes(Filters=filters)["Volumes"]) == 1
    assert len(world.ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ImageId": "ami-0123456789abcdef0"}, "InvalidAMIID.NotFound"),
        ({"ImageId": "ami-nonsense"}, "InvalidAMIID.Malformed"),
        ({"KeyName": "unknown"}, "InvalidKeyPair.NotFound"),
        ({"SecurityGroupIds": ["sg-0123456789abcdef0"]}, "InvalidGroup.NotFound"),
        ({"SubnetId": "subnet-0123456789abcdef0"}, "InvalidSubnetID.NotFound"),
        ({"InstanceType": "x9.huge"}, "InvalidParameterValue"),
        ({"InstanceType": "t4g.micro"}, "InvalidParameterValue"),
        ({"Placement": {"AvailabilityZone": "us-west-2z"}}, "InvalidParameterValue"),
        ({"UserData": "x" * 16385}, "InvalidParameterValue"),
        ({"MinCount": 2}, "InvalidParameterValue"),
        ({"CpuOptions": {"CoreCount": 1, "ThreadsPerCore": 1}}, "UnsupportedOperation"),
        (
            {"BlockDeviceMappings": [{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 4}}]},
            "InvalidBlockDeviceMapping",
        ),
        (
            {"BlockDeviceMappings": [{"DeviceName": "/dev/sdf", "Ebs": {"VolumeType": "gp3"}}]},
            "MissingParameter",
        ),
        (
            {
                "BlockDeviceMappings": [
                    {"DeviceName": "/dev/sdf", "Ebs": {"SnapshotId": "snap-0123456789abcdef0"}}
                ]
            },
            "InvalidSnapshot.NotFound",
        ),
        ({"DryRun": True}, "DryRunOperation"),
    ],
)
def test_a_launch_that_ec2_refuses_is_refused_and_makes_nothing(
    world: World, change: dict[str, Any], code: str
) -> None:
    assert code_of(world.launch, **change) == code
    assert world.ec2.describe_instances()["Reservations"] == []
    assert world.machines.roots == {}


def test_a_parameter_that_says_nothing_is_no_parameter(world: World) -> None:
    assert code_of(world.launch, IamInstanceProfile={"Name": ""}) == "OK"
    assert code_of(world.launch, IamInstanceProfile={"Name": "x"}) == "UnsupportedOperation"


def test_a_type_that_a_zone_does_not_have_is_unsupported_there(world: World) -> None:
    offers = world.ec2.describe_instance_type_offerings(
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": ["t2.micro"]}],
    )["InstanceTypeOfferings"]
    everywhere = world.ec2.describe_availability_zones()["AvailabilityZones"]
    without = {one["ZoneName"] for one in everywhere} - {one["Location"] for one in offers}
    assert without, "the type is everywhere: the test needs another one"
    place = {"AvailabilityZone": without.pop()}
    answer = code_of(world.launch, InstanceType="t2.micro", Placement=place)
    assert answer == "Unsupported"


def test_instance_store_disks_come_with_the_type(world: World) -> None:
    instance_id = world.launch_running(InstanceType="m5ad.4xlarge")
    assert len(world.machines.stores[instance_id]) == 2


def test_a_call_for_an_instance_that_is_not_there_is_refused(world: World) -> None:
    for call in (
        world.ec2.describe_instances,
        world.ec2.stop_instances,
        world.ec2.terminate_instances,
    ):
        assert code_of(call, InstanceIds=["i-0123456789abcdef0"]) == "InvalidInstanceID.NotFound"
        assert code_of(call, InstanceIds=["i-x"]) == "InvalidInstanceID.Malformed"


def test_protection_against_termination_holds(world: World) -> None:
    instance_id = world.launch_running(DisableApiTermination=True)
    answer = code_of(world.ec2.terminate_instances, InstanceIds=[instance_id])
    assert answer == "OperationNotPermitted"
    world.ec2.modify_instance_attribute(
        InstanceId=instance_id, DisableApiTermination={"Value": False}
    )
    world.terminate(instance_id)


def test_user_data_and_attributes_are_what_was_asked_for(world: World) -> None:
    instance_id = world.launch_running(UserData="#!/bin/sh\ntrue\n")
    shown = world.ec2.describe_instance_attribute(InstanceId=instance_id, Attribute="userData")
    assert base64.b64decode(shown["UserData"]["Value"]) == b"#!/bin/sh\ntrue\n"
    shown = world.ec2.describe_instance_attribute(
        InstanceId=instance_id, Attribute="instanceInitiatedShutdownBehavior"
    )
    assert shown["InstanceInitiatedShutdownBehavior"]["Value"] == "stop"


def test_delete_on_termination_can_be_changed_afterwards(world: World) -> None:
    instance_id = world.launch_running(BlockDeviceMappings=[DATA_VOLUME])
    change = [{"DeviceName": "/dev/sdf", "Ebs": {"DeleteOnTermination": False}}]
    world.ec2.modify_instance_attribute(InstanceId=instance_id, BlockDeviceMappings=change)
    world.terminate(instance_id)
    assert len(world.ec2.describe_volumes()["Volumes"]) == 1


def test_the_console_is_the_hosts_own(world: World) -> None:
    instance_id = world.launch_running()
    output = world.ec2.get_console_output(InstanceId=instance_id)["Output"]
    assert f"keys of {instance_id}" in output
    world.terminate(instance_id)
    assert world.ec2.get_console_output(InstanceId=instance_id)["Output"] == output


def test_status_checks_are_shown_for_running_instances_only(world: World) -> None:
    instance_id = world.launch_running()
    shown = world.ec2.describe_instance_status()["InstanceStatuses"]
    assert shown[0]["InstanceStatus"]["Status"] == "ok"
    world.stop(instance_id)
    assert world.ec2.describe_instance_status()["InstanceStatuses"] == []
    everything = world.ec2.describe_instance_status(IncludeAllInstances=True)
    assert len(everything["InstanceStatuses"]) == 1


def test_an_imported_key_is_the_one_that_a_launch_uses(world: World) -> None:
    world.ec2.import_key_pair(KeyName="mine", PublicKeyMaterial=PUBLIC_KEY)
    again = code_of(world.ec2.import_key_pair, KeyName="mine", PublicKeyMaterial=PUBLIC_KEY)
    assert again == "InvalidKeyPair.Duplicate"
    assert world.instance(world.launch_running(KeyName="mine"))["KeyName"] == "mine"
    world.ec2.delete_key_pair(KeyName="mine")
    world.ec2.delete_key_pair(KeyName="mine")
    missing = code_of(world.ec2.describe_key_pairs, KeyNames=["mine"])
    assert missing == "InvalidKeyPair.NotFound"


def test_metadata_options_follow_the_image_and_the_request(world: World) -> None:
    assert world.launch()["MetadataOptions"]["HttpTokens"] == "required"
    open_to_v1 = {"HttpTokens": "optional"}
    assert world.launch(MetadataOptions=open_to_v1)["MetadataOptions"]["HttpTokens"] == "optional"
    assert world.image(UBUNTU)["ImdsSupport"] == "v2.0"


def test_an_instance_lies_in_its_subnet_and_the_subnet_in_the_machines_network(
    world: World,
) -> None:
    vpc = world.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]
    assert vpc["CidrBlock"] == world.machines.subnet
    subnets = world.ec2.describe_subnets()["Subnets"]
    zones = {
        one["ZoneName"] for one in world.ec2.describe_availability_zones()["AvailabilityZones"]
    }
    assert {one["AvailabilityZone"] for one in subnets if one["DefaultForAz"]} == zones
    for subnet in subnets:
        block = ip_network(subnet["CidrBlock"])
        shown = world.launch(SubnetId=subnet["SubnetId"])
        assert ip_address(shown["PrivateIpAddress"]) in list(block)[4:-1]
        assert block.subnet_of(ip_network(vpc["CidrBlock"]))
        assert (subnet["VpcId"], subnet["MapPublicIpOnLaunch"]) == (vpc["VpcId"], True)


def test_a_subnet_of_ones_own_is_used_where_a_host_can_be(world: World) -> None:
    def subnet_of(vpc_block: str, block: str) -> str:
        vpc_id = world.ec2.create_vpc(CidrBlock=vpc_block)["Vpc"]["VpcId"]
        made: str = world.ec2.create_subnet(VpcId=vpc_id, CidrBlock=block)["Subnet"]["SubnetId"]
        return made

    inside = str(list(ip_network(world.machines.subnet).subnets(new_prefix=24))[3])
    shown = world.launch(SubnetId=subnet_of(inside, inside))
    assert ip_address(shown["PrivateIpAddress"]) in ip_network(inside)
    assert "PublicIpAddress" not in shown
    elsewhere = subnet_of("10.99.0.0/16", "10.99.1.0/24")
    assert code_of(world.launch, SubnetId=elsewhere) == "UnsupportedOperation"
