from typing import Any

import pytest

from sandbox.machines import Rule
from tests.sandbox.api.conftest import PUBLIC_KEY, World, code_of

HERE = "192.0.2.7/32"


def permission(cidr: str = HERE, port: int = 22) -> dict[str, Any]:
    return {
        "IpProtocol": "tcp",
        "FromPort": port,
        "ToPort": port,
        "IpRanges": [{"CidrIp": cidr, "Description": "here"}],
    }


def make_group(world: World, name: str = "ours", *permissions: dict[str, Any]) -> str:
    group_id: str = world.ec2.create_security_group(GroupName=name, Description="d")["GroupId"]
    if permissions:
        world.ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=permissions)
    return group_id


def test_a_host_lets_in_what_its_groups_say_from_the_start(world: World) -> None:
    groups = [make_group(world, "a", permission()), make_group(world, "b", permission(port=80))]
    instance_id = world.launch(SecurityGroupIds=groups)["InstanceId"]
    assert world.machines.rules[instance_id] == [
        Rule("tcp", 22, 22, HERE),
        Rule("tcp", 80, 80, HERE),
    ]


def test_a_change_of_rules_reaches_the_hosts_at_once(world: World) -> None:
    group_id = make_group(world)
    instance_id = world.launch(SecurityGroupIds=[group_id])["InstanceId"]
    assert world.machines.rules[instance_id] == []
    change = {"GroupId": group_id, "IpPermissions": [permission()]}
    world.ec2.authorize_security_group_ingress(**change)
    assert world.machines.rules[instance_id] == [Rule("tcp", 22, 22, HERE)]
    world.ec2.revoke_security_group_ingress(**change)
    assert world.machines.rules[instance_id] == []
    assert code_of(world.ec2.revoke_security_group_ingress, **change) != "OK"


def test_a_rule_that_names_a_group_lets_in_its_members(world: World) -> None:
    group_id = make_group(world)
    pair = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group_id}]}
    world.ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[pair])
    first = world.launch(SecurityGroupIds=[group_id])["InstanceId"]
    second = world.launch(SecurityGroupIds=[group_id])["InstanceId"]
    expected = {f"{world.machines.addresses[one]}/32" for one in (first, second)}
    assert {rule.cidr for rule in world.machines.rules[first]} == expected


def test_without_a_group_an_instance_gets_the_default_one_whose_members_meet(
    world: World,
) -> None:
    ids = [world.launch()["InstanceId"] for _ in range(2)]
    assert world.instance(ids[0])["SecurityGroups"][0]["GroupName"] == "default"
    members = {f"{world.machines.addresses[one]}/32" for one in ids}
    assert {rule.cidr for rule in world.machines.rules[ids[0]]} == members


def test_a_group_in_use_cannot_be_deleted_until_the_instance_is_gone(world: World) -> None:
    group_id = make_group(world)
    instance_id = world.launch_running(SecurityGroupIds=[group_id])
    assert code_of(world.ec2.delete_security_group, GroupId=group_id) == "DependencyViolation"
    with world.machines.held():
        world.ec2.terminate_instances(InstanceIds=[instance_id])
        assert world.state(instance_id) == "shutting-down"
        early = code_of(world.ec2.delete_security_group, GroupId=group_id)
        assert early == "DependencyViolation"
    world.wait_for_state(instance_id, "terminated")
    world.ec2.delete_security_group(GroupId=group_id)
    missing = code_of(world.ec2.delete_security_group, GroupId=group_id)
    assert missing == "InvalidGroup.NotFound"


def test_duplicates_are_refused_and_change_nothing(world: World) -> None:
    group_id = make_group(world, "ours", permission())
    again = {"GroupName": "ours", "Description": "d"}
    assert code_of(world.ec2.create_security_group, **again) == "InvalidGroup.Duplicate"
    other_words = permission()
    other_words["IpRanges"][0]["Description"] = "the same, described otherwise"
    rules = [permission(port=80), other_words]
    answer = code_of(
        world.ec2.authorize_security_group_ingress, GroupId=group_id, IpPermissions=rules
    )
    assert answer == "InvalidPermission.Duplicate"
    shown = world.ec2.describe_security_group_rules(
        Filters=[{"Name": "group-id", "Values": [group_id]}]
    )["SecurityGroupRules"]
    assert [one["FromPort"] for one in shown if not one["IsEgress"]] == [22]


def test_groups_and_keys_are_tagged_in_the_creating_call(world: World) -> None:
    tags = [{"Key": "run", "Value": "r1"}]

    def specified(kind: str) -> list[dict[str, Any]]:
        return [{"ResourceType": kind, "Tags": tags}]

    world.ec2.create_security_group(
        GroupName="ours", Description="d", TagSpecifications=specified("security-group")
    )
    world.ec2.import_key_pair(
        KeyName="ours", PublicKeyMaterial=PUBLIC_KEY, TagSpecifications=specified("key-pair")
    )
    filters = [{"Name": "tag:run", "Values": ["r1"]}]
    assert len(world.ec2.describe_security_groups(Filters=filters)["SecurityGroups"]) == 1
    assert len(world.ec2.describe_key_pairs(Filters=filters)["KeyPairs"]) == 1
    wrong = {"GroupName": "other", "Description": "d", "TagSpecifications": specified("volume")}
    assert code_of(world.ec2.create_security_group, **wrong) == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ([{"Key": "k" * 128, "Value": "v" * 256}], "OK"),
        ([{"Key": "k" * 129, "Value": "v"}], "InvalidParameterValue"),
        ([{"Key": "k", "Value": "v" * 257}], "InvalidParameterValue"),
        ([{"Key": "aws:mine", "Value": "v"}], "InvalidParameterValue"),
        ([{"Key": f"k{n}", "Value": "v"} for n in range(50)], "OK"),
        ([{"Key": f"k{n}", "Value": "v"} for n in range(51)], "TagLimitExceeded"),
    ],
)
def test_tags_have_limits(world: World, tags: list[dict[str, str]], code: str) -> None:
    volume_id = world.make_volume()
    assert code_of(world.ec2.create_tags, Resources=[volume_id], Tags=tags) == code
    assert len(world.volume(volume_id).get("Tags", [])) == (len(tags) if code == "OK" else 0)
    specified = [{"ResourceType": "volume", "Tags": tags}]
    assert code_of(world.make_volume, TagSpecifications=specified) == code


def test_tags_are_added_changed_and_removed(world: World) -> None:
    instance_id, volume_id = world.launch_running(), world.make_volume()
    both = [instance_id, volume_id]
    world.ec2.create_tags(Resources=both, Tags=[{"Key": "a", "Value": "1"}])
    world.ec2.create_tags(Resources=both, Tags=[{"Key": "a", "Value": "2"}])
    assert world.instance(instance_id)["Tags"] == [{"Key": "a", "Value": "2"}]
    world.ec2.delete_tags(Resources=both, Tags=[{"Key": "a", "Value": "other"}])
    assert len(world.ec2.describe_tags()["Tags"]) == 2
    world.ec2.delete_tags(Resources=both, Tags=[{"Key": "a"}])
    assert world.ec2.describe_tags()["Tags"] == []
    unknown = {"Resources": ["i-0123456789abcdef0"], "Tags": [{"Key": "a", "Value": "1"}]}
    assert code_of(world.ec2.create_tags, **unknown) == "InvalidInstanceID.NotFound"


def test_a_filter_that_ec2_does_not_know_is_refused(world: World) -> None:
    filters = [{"Name": "colour", "Values": ["red"]}]
    world.launch()
    assert code_of(world.ec2.describe_instances, Filters=filters) == "InvalidParameterValue"
