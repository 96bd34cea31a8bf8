"""What becomes of an instance, from its launch to its end."""

import re
from base64 import b64decode
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from tests.conformance.guard import OWN_END
from tests.conformance.world import World
from tests.ec2_actions import PUBLIC_KEY, code_of

TIMED = re.compile(r"\(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (?:GMT|UTC)\)")
DATA = {
    "DeviceName": "/dev/sdf",
    "Ebs": {"VolumeSize": 1, "VolumeType": "gp3", "DeleteOnTermination": True},
}
KEPT = {**DATA, "Ebs": {**DATA["Ebs"], "DeleteOnTermination": False}}  # type: ignore[dict-item]


def test_an_instance_is_pending_before_it_runs(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html"""
    with world.during_transition():
        launched = world.launch()
        assert launched["State"]["Name"] == "pending"
        early = code_of(world.ec2.stop_instances, InstanceIds=[launched["InstanceId"]])
        assert early == "IncorrectInstanceState"
    world.wait_for_state(launched["InstanceId"], "running")


def test_a_public_address_is_given_only_where_it_is_wanted(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-instance-addressing.html"""
    hidden = {"DeviceIndex": 0, "AssociatePublicIpAddress": False}
    assert "PublicIpAddress" not in world.instance(world.launch_running(NetworkInterfaces=[hidden]))
    shown = world.instance(world.launch_running())
    interface = shown["NetworkInterfaces"][0]
    assert shown["PublicIpAddress"] == interface["Association"]["PublicIp"]
    assert shown["PrivateIpAddress"] == interface["PrivateIpAddress"]


def test_stop_and_start_take_their_time_and_keep_the_private_address(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/how-ec2-instance-stop-start-works.html"""
    instance_id = world.launch_running()
    before = world.instance(instance_id)["PrivateIpAddress"]
    with world.during_transition():
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


def test_a_public_address_is_another_after_each_start(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-instance-addressing.html"""
    instance_id = world.launch_running()
    seen = {world.instance(instance_id)["PublicIpAddress"]}
    for starts in (1, 2):
        world.stop(instance_id)
        world.ec2.start_instances(InstanceIds=[instance_id])
        world.wait_for_state(instance_id, "running")
        seen.add(world.instance(instance_id)["PublicIpAddress"])
        assert len(seen) == 1 + starts
    before = world.instance(instance_id)["PublicIpAddress"]
    world.ec2.reboot_instances(InstanceIds=[instance_id])
    assert world.instance(instance_id)["PublicIpAddress"] == before


def test_a_terminated_instance_stays_to_be_seen_without_network_and_volumes(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/terminating-instances.html

    TerminateInstances is idempotent:
    https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
    """
    instance_id = world.launch_running(BlockDeviceMappings=[DATA])
    assert len(world.volumes()) == 2
    world.terminate(instance_id)
    shown = world.instance(instance_id)
    assert shown["BlockDeviceMappings"] == shown["NetworkInterfaces"] == []
    assert "PrivateIpAddress" not in shown
    world.wait_until(lambda: world.volumes() == [])
    assert code_of(world.ec2.terminate_instances, InstanceIds=[instance_id]) == "OK"
    assert code_of(world.ec2.stop_instances, InstanceIds=[instance_id]) == "IncorrectInstanceState"
    assert code_of(world.ec2.start_instances, InstanceIds=[instance_id]) == "IncorrectInstanceState"


def test_the_shutdown_of_the_system_is_skipped_on_nitro_only(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-terminate-methods.html

    The refusal: https://github.com/kubernetes/kops/pull/17675
    """
    on_nitro = world.launch_running()
    world.ec2.terminate_instances(InstanceIds=[on_nitro], SkipOsShutdown=True)
    world.wait_for_state(on_nitro, "terminated")
    on_xen = world.launch_running(InstanceType="t2.micro")
    at_once = code_of(world.ec2.terminate_instances, InstanceIds=[on_xen], SkipOsShutdown=True)
    assert at_once == "OperationNotPermitted"
    world.terminate(on_xen)


def test_a_volume_that_is_not_to_be_deleted_outlives_the_instance(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-volume-delete.html"""
    world.terminate(world.launch_running(BlockDeviceMappings=[KEPT]))
    world.wait_until(lambda: [volume["Size"] for volume in world.volumes()] == [1])
    world.wait_until(lambda: world.volumes()[0]["State"] == "available")


def test_delete_on_termination_can_be_changed_afterwards(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceAttribute.html"""
    instance_id = world.launch_running(BlockDeviceMappings=[DATA])
    change = [{"DeviceName": "/dev/sdf", "Ebs": {"DeleteOnTermination": False}}]
    world.ec2.modify_instance_attribute(InstanceId=instance_id, BlockDeviceMappings=change)
    world.terminate(instance_id)
    world.wait_until(lambda: len(world.volumes()) == 1)


def test_a_reboot_leaves_the_instance_running(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-reboot.html"""
    instance_id = world.launch_running()
    before = world.instance(instance_id)
    world.ec2.reboot_instances(InstanceIds=[instance_id])
    after = world.instance(instance_id)
    assert (after["State"]["Name"], after["LaunchTime"]) == ("running", before["LaunchTime"])


def test_an_instance_that_is_powered_off_from_inside_ends_as_it_was_told(world: World) -> None:
    """With `terminate` it ends for good: what the dead-man switch of every builder stands on.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_ChangingInstanceInitiatedShutdownBehavior.html
    """
    world.needs(world.account.has_hosts, "hosts in memory do nothing by themselves")
    # The suite's own switch stays in it; the power-off comes first.
    boot = '"bootcmd": [["sh", "-c", "(sleep 20; systemctl poweroff --force) &"], '
    instance_id = world.launch(UserData=OWN_END.replace('"bootcmd": [', boot, 1))["InstanceId"]
    world.wait_for_state(instance_id, "terminated")
    reason = world.instance(instance_id)["StateReason"]["Code"]
    assert reason == "Client.InstanceInitiatedShutdown"


def test_the_console_shows_the_host_keys(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshoot-unreachable-instance.html"""
    world.needs(world.account.has_hosts, "hosts in memory have no console of their own")
    instance_id = world.launch_running()

    def text() -> str:
        return str(world.ec2.get_console_output(InstanceId=instance_id).get("Output", ""))

    world.wait_until(lambda: "END SSH HOST KEY KEYS" in text())


def test_protection_against_termination_holds(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_ChangingDisableAPITermination.html"""
    instance_id = world.launch_running(DisableApiTermination=True)
    answer = code_of(world.ec2.terminate_instances, InstanceIds=[instance_id])
    assert answer == "OperationNotPermitted"
    world.ec2.modify_instance_attribute(
        InstanceId=instance_id, DisableApiTermination={"Value": False}
    )
    world.terminate(instance_id)


def test_a_start_moves_the_launch_time_and_not_when_the_root_disk_was_attached(
    world: World,
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Instance.html"""

    def attached(shown: dict[str, Any]) -> Any:
        return shown["BlockDeviceMappings"][0]["Ebs"]["AttachTime"]

    instance_id = world.launch_running()
    before = world.instance(instance_id)
    world.stop(instance_id)
    stopped = world.instance(instance_id)
    assert TIMED.search(stopped["StateTransitionReason"])
    assert stopped["LaunchTime"] == before["LaunchTime"]
    world.ec2.start_instances(InstanceIds=[instance_id])
    world.wait_for_state(instance_id, "running")
    after = world.instance(instance_id)
    assert after["LaunchTime"] >= before["LaunchTime"]
    assert attached(after) == attached(stopped) == attached(before)
    assert not TIMED.search(after["StateTransitionReason"])


def test_user_data_and_attributes_are_what_was_asked_for(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceAttribute.html"""
    instance_id = world.launch_running()
    parameters = {"InstanceId": instance_id}
    shown = world.ec2.describe_instance_attribute(**parameters, Attribute="userData")
    assert b64decode(shown["UserData"]["Value"]).decode() == OWN_END
    behavior = "instanceInitiatedShutdownBehavior"
    shown = world.ec2.describe_instance_attribute(**parameters, Attribute=behavior)
    assert shown["InstanceInitiatedShutdownBehavior"]["Value"] == "terminate"


def test_status_checks_are_shown_for_running_instances_only(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceStatus.html"""
    parameters = {"InstanceIds": [world.launch_running()]}

    def status() -> str:
        shown = world.ec2.describe_instance_status(**parameters)["InstanceStatuses"]
        return str(shown[0]["InstanceStatus"]["Status"])

    world.wait_until(lambda: status() == "ok")
    world.stop(parameters["InstanceIds"][0])
    assert world.ec2.describe_instance_status(**parameters)["InstanceStatuses"] == []
    everything = world.ec2.describe_instance_status(**parameters, IncludeAllInstances=True)
    assert len(everything["InstanceStatuses"]) == 1


def test_an_imported_key_is_the_one_that_a_launch_uses(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ImportKeyPair.html"""
    name = world.name("key")
    world.ec2.import_key_pair(KeyName=name, PublicKeyMaterial=PUBLIC_KEY)
    again = code_of(world.ec2.import_key_pair, KeyName=name, PublicKeyMaterial=PUBLIC_KEY)
    assert again == "InvalidKeyPair.Duplicate"
    nonsense = {"KeyName": world.name("other"), "PublicKeyMaterial": b"nonsense"}
    assert code_of(world.ec2.import_key_pair, **nonsense) == "InvalidKeyPair.Format"
    assert world.launch(KeyName=name)["KeyName"] == name
    world.ec2.delete_key_pair(KeyName=name)
    assert code_of(world.ec2.delete_key_pair, KeyName=name) == "OK"
    missing = code_of(world.ec2.describe_key_pairs, KeyNames=[name])
    assert missing == "InvalidKeyPair.NotFound"


@pytest.mark.parametrize("tokens", ["required", "optional"])
def test_metadata_options_follow_the_request(world: World, tokens: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-IMDS-new-instances.html"""
    launched = world.launch(MetadataOptions={"HttpTokens": tokens})
    assert launched["MetadataOptions"]["HttpTokens"] == tokens


def test_metadata_options_follow_the_image(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-IMDS-new-instances.html"""
    assert world.image(world.image_id)["ImdsSupport"] == "v2.0"
    options = world.launch()["MetadataOptions"]
    assert (options["HttpTokens"], options["HttpPutResponseHopLimit"]) == ("required", 2)


def test_an_instance_lies_in_its_subnet_beyond_what_aws_keeps_for_itself(world: World) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html"""
    shown = world.launch()
    subnet = world.ec2.describe_subnets(SubnetIds=[shown["SubnetId"]])["Subnets"][0]
    assert (subnet["VpcId"], subnet["DefaultForAz"]) == (shown["VpcId"], True)
    assert shown["Placement"]["AvailabilityZone"] == subnet["AvailabilityZone"]
    block, address = IPv4Network(subnet["CidrBlock"]), IPv4Address(shown["PrivateIpAddress"])
    assert block[3] < address < block[-1]


def test_a_call_for_an_instance_that_is_not_there_is_refused(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"""
    for call in (
        world.ec2.describe_instances,
        world.ec2.stop_instances,
        world.ec2.terminate_instances,
    ):
        assert code_of(call, InstanceIds=["i-0123456789abcdef0"]) == "InvalidInstanceID.NotFound"
        assert code_of(call, InstanceIds=["i-x"]) == "InvalidInstanceID.Malformed"
