"""What the rules of security groups let in to the hosts behind instances."""

from typing import Any

from sandbox.hosts.machines import Rule
from tests.sandbox.api.conftest import World

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
    instance_id = world.launch_running(SecurityGroupIds=groups)
    assert world.machines.rules[instance_id] == [
        Rule("tcp", 22, 22, HERE),
        Rule("tcp", 80, 80, HERE),
    ]


def test_a_change_of_rules_reaches_the_hosts_at_once(world: World) -> None:
    group_id = make_group(world)
    instance_id = world.launch_running(SecurityGroupIds=[group_id])
    assert world.machines.rules[instance_id] == []
    change = {"GroupId": group_id, "IpPermissions": [permission()]}
    world.ec2.authorize_security_group_ingress(**change)
    assert world.machines.rules[instance_id] == [Rule("tcp", 22, 22, HERE)]
    world.ec2.revoke_security_group_ingress(**change)
    assert world.machines.rules[instance_id] == []


def test_a_rule_that_names_a_group_lets_in_its_members(world: World) -> None:
    group_id = make_group(world)
    pair = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group_id}]}
    world.ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[pair])
    first = world.launch_running(SecurityGroupIds=[group_id])
    second = world.launch_running(SecurityGroupIds=[group_id])
    expected = {f"{world.machines.addresses[instance_id]}/32" for instance_id in (first, second)}
    assert {rule.cidr for rule in world.machines.rules[first]} == expected


def test_without_a_group_an_instance_gets_the_default_one_whose_members_meet(
    world: World,
) -> None:
    ids = [world.launch_running() for _ in range(2)]
    assert world.instance(ids[0])["SecurityGroups"][0]["GroupName"] == "default"
    members = {f"{world.machines.addresses[instance_id]}/32" for instance_id in ids}
    assert {rule.cidr for rule in world.machines.rules[ids[0]]} == members
