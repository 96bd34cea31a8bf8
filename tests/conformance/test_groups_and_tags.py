"""Security groups, and the tags of whatever is made."""

import socket
from typing import Any

import pytest

from tests.conformance.world import World
from tests.ec2_actions import PUBLIC_KEY, code_of

HERE = "192.0.2.7/32"
MOST_TAGS = 50
SUITES_OWN = 2


def permission(port: int = 22, words: str = "here", cidr: str = HERE) -> dict[str, Any]:
    return {
        "IpProtocol": "tcp",
        "FromPort": port,
        "ToPort": port,
        "IpRanges": [{"CidrIp": cidr, "Description": words}],
    }


def make_group(world: World, word: str = "ours") -> str:
    parameters = {"GroupName": world.name(word), "Description": "conformance"}
    group_id: str = world.ec2.create_security_group(**parameters)["GroupId"]
    return group_id


def test_without_a_group_an_instance_gets_the_default_one(world: World) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html"""
    groups = world.launch()["SecurityGroups"]
    assert [group["GroupName"] for group in groups] == ["default"]


def test_a_group_in_use_cannot_be_deleted_until_the_instance_is_gone(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html"""
    group_id = make_group(world)
    instance_id = world.launch_running(SecurityGroupIds=[group_id])
    assert code_of(world.ec2.delete_security_group, GroupId=group_id) == "DependencyViolation"
    with world.during_transition():
        world.ec2.terminate_instances(InstanceIds=[instance_id])
        early = code_of(world.ec2.delete_security_group, GroupId=group_id)
        assert early == "DependencyViolation"
    world.wait_for_state(instance_id, "terminated")
    world.wait_until(lambda: code_of(world.ec2.delete_security_group, GroupId=group_id) != "OK")
    missing = code_of(world.ec2.delete_security_group, GroupId=group_id)
    assert missing == "InvalidGroup.NotFound"


def test_duplicates_are_refused_and_change_nothing(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"""
    group_id = make_group(world)
    world.ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[permission()])
    assert code_of(make_group, world=world) == "InvalidGroup.Duplicate"
    rules = [permission(80), permission(words="the same, described otherwise")]
    answer = code_of(
        world.ec2.authorize_security_group_ingress, GroupId=group_id, IpPermissions=rules
    )
    assert answer == "InvalidPermission.Duplicate"
    shown = world.ec2.describe_security_group_rules(
        Filters=[{"Name": "group-id", "Values": [group_id]}]
    )["SecurityGroupRules"]
    assert [rule["FromPort"] for rule in shown if not rule["IsEgress"]] == [22]


def test_a_rule_that_is_not_there_cannot_be_revoked(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RevokeSecurityGroupIngress.html"""
    change = {"GroupId": make_group(world), "IpPermissions": [permission()]}
    missing = code_of(world.ec2.revoke_security_group_ingress, **change)
    assert missing == "InvalidPermission.NotFound"
    world.ec2.authorize_security_group_ingress(**change)
    assert code_of(world.ec2.revoke_security_group_ingress, **change) == "OK"


def test_a_rule_lets_in_and_nothing_else_does(world: World) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html"""
    world.needs(world.account.has_hosts, "nobody knocks at hosts in memory")
    group_id = make_group(world)
    instance_id = world.launch_running(SecurityGroupIds=[group_id])
    address = world.instance(instance_id)["PublicIpAddress"]
    # Without a key pair nobody can log in: it is only knocked.
    change = {"GroupId": group_id, "IpPermissions": [permission(cidr="0.0.0.0/0")]}
    world.ec2.authorize_security_group_ingress(**change)
    world.wait_until(lambda: is_open(address))
    world.ec2.revoke_security_group_ingress(**change)
    world.wait_until(lambda: not is_open(address))


def is_open(address: str) -> bool:
    """Tell whether somebody answers at the port of ssh."""
    try:
        socket.create_connection((address, 22), timeout=3).close()
    except OSError:
        return False
    return True


def test_groups_and_keys_are_tagged_in_the_creating_call(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html"""
    value = world.name("value")
    tags = [{"Key": "run", "Value": value}]

    def specified(kind: str) -> list[dict[str, Any]]:
        return [{"ResourceType": kind, "Tags": tags}]

    group = {"GroupName": world.name("ours"), "Description": "conformance"}
    world.ec2.create_security_group(**group, TagSpecifications=specified("security-group"))
    world.ec2.import_key_pair(
        KeyName=world.name("ours"),
        PublicKeyMaterial=PUBLIC_KEY,
        TagSpecifications=specified("key-pair"),
    )
    filters = [{"Name": "tag:run", "Values": [value]}]
    assert len(world.ec2.describe_security_groups(Filters=filters)["SecurityGroups"]) == 1
    assert len(world.ec2.describe_key_pairs(Filters=filters)["KeyPairs"]) == 1
    wrong = {**group, "GroupName": world.name("other"), "TagSpecifications": specified("volume")}
    assert code_of(world.ec2.create_security_group, **wrong) == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ({"k" * 128: "v" * 256}, "OK"),
        ({"k" * 129: "v"}, "InvalidParameterValue"),
        ({"k": "v" * 257}, "InvalidParameterValue"),
        ({"aws:mine": "v"}, "InvalidParameterValue"),
        ({f"k{n}": "v" for n in range(MOST_TAGS - SUITES_OWN)}, "OK"),
        ({f"k{n}": "v" for n in range(MOST_TAGS - SUITES_OWN + 1)}, "TagLimitExceeded"),
    ],
)
def test_tags_have_limits(world: World, tags: dict[str, str], code: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions"""
    given = [{"Key": key, "Value": value} for key, value in tags.items()]
    group_id = make_group(world)
    assert code_of(world.ec2.create_tags, Resources=[group_id], Tags=given) == code
    world.wait_until(lambda: world.own_tags(group_id) == (tags if code == "OK" else {}))
    specified = [{"ResourceType": "volume", "Tags": given}]
    assert code_of(world.make_volume, TagSpecifications=specified) == code


def test_tags_are_added_changed_and_removed(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteTags.html"""
    volume_ids = [world.make_volume(), world.make_volume()]
    for value in ("1", "2"):
        world.ec2.create_tags(Resources=volume_ids, Tags=[{"Key": "a", "Value": value}])
    world.wait_until(
        lambda: [world.own_tags(volume_id) for volume_id in volume_ids] == [{"a": "2"}] * 2
    )
    world.ec2.delete_tags(Resources=volume_ids, Tags=[{"Key": "a", "Value": "other"}])
    assert [world.own_tags(volume_id) for volume_id in volume_ids] == [{"a": "2"}] * 2
    world.ec2.delete_tags(Resources=volume_ids, Tags=[{"Key": "a"}])
    world.wait_until(lambda: [world.own_tags(volume_id) for volume_id in volume_ids] == [{}] * 2)
    unknown = {"Resources": ["i-0123456789abcdef0"], "Tags": [{"Key": "a", "Value": "1"}]}
    assert code_of(world.ec2.create_tags, **unknown) == "InvalidInstanceID.NotFound"


def test_a_filter_that_ec2_does_not_know_is_refused(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html"""
    filters = [{"Name": "colour", "Values": ["red"]}]
    assert code_of(world.ec2.describe_instances, Filters=filters) == "InvalidParameterValue"
