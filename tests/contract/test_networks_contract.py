"""Who may reach a machine by ssh: exactly the sources in the recipe."""

import pytest

from notebake.aws import networks
from notebake.errors import NameTakenError, PreflightError
from notebake.machines import ssh_access
from notebake.machines.worker_address import own_block
from notebake.recipe import Network
from notebake.runbook.step import carry_out
from notebake.runs.run import Run
from tasks import import_key_pair, open_ssh
from tests.cloud_world import RECIPE, REGION, CloudWorld, RefusedCall


def seen_from(run: Run, *blocks: str) -> Run:
    """Return the run as it is executed from other addresses."""
    network = Network(ssh_from=blocks)
    return run.model_copy(update={"recipe": RECIPE.model_copy(update={"network": network})})


def test_a_new_address_updates_the_rules_of_the_same_group(world: CloudWorld) -> None:
    run = world.new_run()
    made = open_ssh.make(run)
    moved = seen_from(run, "203.0.113.4/32", "192.0.2.0/24")
    assert open_ssh.find(moved) is None

    changed = carry_out(open_ssh.STEP, moved).result

    found = ssh_access.find_security_group(run)
    assert found == changed
    assert found is not None
    assert found.id == made.id
    assert found.ssh_from == ("192.0.2.0/24", "203.0.113.4/32")
    assert open_ssh.find(moved) == found


def test_rules_changed_by_somebody_else_are_corrected(world: CloudWorld) -> None:
    run = world.new_run()
    group = open_ssh.make(run)
    world.ec2.authorize_security_group_ingress(
        GroupId=group.id, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0"
    )
    assert open_ssh.find(run) is None

    carry_out(open_ssh.STEP, run)

    found = ssh_access.find_security_group(run)
    assert found is not None
    assert found.ssh_from == ("198.51.100.7/32",)


def test_a_rule_that_ec2_shows_late_keeps_no_other_rule_out(world: CloudWorld) -> None:
    run = world.new_run()
    shown = open_ssh.make(run)
    networks.allow_ssh(shown, ("203.0.113.4/32",), REGION)
    wanted = ("192.0.2.0/24", "203.0.113.4/32")
    gone_already = shown.model_copy(update={"ssh_from": ("198.51.100.7/32",)})

    assert networks.allow_ssh(gone_already, wanted, REGION).ssh_from == wanted

    found = ssh_access.find_security_group(run)
    assert found is not None
    assert found.ssh_from == wanted
    also_gone = shown.model_copy(update={"ssh_from": (*shown.ssh_from, *wanted)})
    assert networks.allow_ssh(also_gone, wanted[:1], REGION).ssh_from == wanted[:1]
    found = ssh_access.find_security_group(run)
    assert found is not None
    assert found.ssh_from == wanted[:1]


def test_foreign_groups_and_key_pairs_are_not_touched(world: CloudWorld) -> None:
    run = world.new_run()
    world.ec2.create_security_group(GroupName=f"notebake {run.id}", Description="theirs")
    world.ec2.create_key_pair(KeyName=f"notebake {run.id} builder")

    for step in (open_ssh.STEP, import_key_pair.STEP):
        with pytest.raises(NameTakenError):
            carry_out(step, run)
        assert step.undo is not None
        with pytest.raises(NameTakenError):
            step.undo(run)

    assert not {"DeleteSecurityGroup", "DeleteKeyPair"} & set(world.actions())


def test_a_group_still_in_use_is_deleted_a_moment_later(world: CloudWorld) -> None:
    run = world.new_run()
    open_ssh.make(run)
    moments = iter([True, True])
    busy = RefusedCall(
        "DeleteSecurityGroup", "DependencyViolation", lambda _: next(moments, False), status=400
    )

    with world.intercepting(busy):
        open_ssh.undo(run)

    assert busy.fired == 2
    assert ssh_access.find_security_group(run) is None


def test_a_local_cloud_sees_the_route_to_its_subnet(world: CloudWorld) -> None:
    vpc = world.ec2.create_vpc(CidrBlock="127.9.0.0/16")["Vpc"]["VpcId"]
    subnet = world.ec2.create_subnet(VpcId=vpc, CidrBlock="127.9.0.0/24")["Subnet"]["SubnetId"]
    network = Network(vpc_id=vpc, subnet_ids=(subnet,))

    assert own_block(RECIPE.model_copy(update={"network": network})) == "127.0.0.1/32"


def test_subnets_of_two_vpcs_or_of_another_than_the_recipe_s_are_refused(world: CloudWorld) -> None:
    made = []
    for number in (7, 8):
        vpc = world.ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"]
        cidr = f"10.{number}.0.0/24"
        subnet = world.ec2.create_subnet(VpcId=vpc, CidrBlock=cidr)["Subnet"]["SubnetId"]
        made.append((vpc, subnet))
    (vpc, first), (other, second) = made

    for network in (
        Network(subnet_ids=(first, second)),
        Network(vpc_id=vpc, subnet_ids=(second,)),
        Network(vpc_id=vpc, subnet_ids=(first, second)),
    ):
        with pytest.raises(PreflightError, match=f"({first} in {vpc}|{second} in {other})"):
            networks.find_subnets(network, REGION)

    first_network = networks.find_subnets(Network(vpc_id=vpc, subnet_ids=(first,)), REGION)
    assert [each["SubnetId"] for each in first_network] == [first]
