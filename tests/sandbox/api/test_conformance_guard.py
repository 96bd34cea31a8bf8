"""What stands between the conformance suite and somebody's account."""

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance import last_run
from tests.conformance.__main__ import main as remove_left
from tests.conformance.account import Account, aws_account, sandbox_account
from tests.conformance.guard import NOBODYS, RUN_TAG, NotAllowedError
from tests.conformance.ledger import Charge, Ledger
from tests.conformance.remains import Remains
from tests.conformance.settings import Settings
from tests.conformance.world import World, open_world
from tests.ec2_actions import WaitSettings
from tests.strict_cloud import StrictCloud, strict_cloud_opened


@pytest.fixture
def account() -> Iterator[Account]:
    with sandbox_account() as opened:
        yield opened


@pytest.fixture
def world(account: Account) -> World:
    return open_world(account, f"{account.run}-1")


@pytest.fixture
def strangers(account: Account) -> str:
    """A volume that somebody else has in the account."""
    parameters = {"Size": 1, "AvailabilityZone": account.zones[0]}
    made: str = account.make_client("ec2", account.region).create_volume(**parameters)["VolumeId"]
    return made


def test_what_others_have_is_not_touched(world: World, strangers: str) -> None:
    with pytest.raises(NotAllowedError, match=strangers):
        world.ec2.delete_volume(VolumeId=strangers)
    with pytest.raises(NotAllowedError, match=strangers):
        world.ec2.create_tags(Resources=[strangers], Tags=[{"Key": "a", "Value": "b"}])
    with pytest.raises(NotAllowedError, match="theirs"):
        world.ec2.delete_key_pair(KeyName="theirs")
    assert world.volume(strangers)["State"] in ("creating", "available")


def test_a_call_that_nobody_has_thought_of_is_not_sent(world: World) -> None:
    with pytest.raises(NotAllowedError, match="CreateVpc"):
        world.ec2.create_vpc(CidrBlock="10.0.0.0/16")
    with pytest.raises(NotAllowedError, match="PutParameter"):
        world.client("ssm").put_parameter(Name="/x", Value="y", Type="String")


def test_a_machine_without_its_switch_is_not_launched(world: World) -> None:
    with pytest.raises(NotAllowedError, match="switch"):
        world.launch(UserData="#!/bin/sh\n")
    assert world.instances() == []


def test_a_machine_keeps_what_ends_it(world: World) -> None:
    parameters = {"InstanceId": world.launch()["InstanceId"]}
    for change in (
        {"InstanceInitiatedShutdownBehavior": {"Value": "stop"}},
        {"UserData": {"Value": b"#!/bin/sh"}},
    ):
        with pytest.raises(NotAllowedError, match="ends it"):
            world.ec2.modify_instance_attribute(**parameters, **change)


def test_nothing_is_shared_with_a_stranger_in_an_account_of_others(world: World) -> None:
    world.account.guard.account_is_ours = False
    image: Any = {"ImageId": f"ami-{NOBODYS}"}
    for stranger in ({"UserId": "555555555555"}, {"Group": "all"}):
        with pytest.raises(NotAllowedError, match="Nobody said"):
            world.ec2.modify_image_attribute(**image, LaunchPermission={"Add": [stranger]})
    with pytest.raises(NotAllowedError, match="Nobody said"):
        world.ec2.modify_snapshot_attribute(
            SnapshotId=f"snap-{NOBODYS}", UserIds=["555555555555"], OperationType="add"
        )


def test_all_that_is_made_carries_the_runs_tag_beside_the_tests_own(world: World) -> None:
    tags = [{"Key": "a", "Value": "b"}]
    world.launch(TagSpecifications=[{"ResourceType": "instance", "Tags": tags}])
    (shown,) = world.instances()
    found = {tag["Key"]: tag["Value"] for tag in shown["Tags"]}
    assert (found["a"], found[RUN_TAG]) == ("b", world.account.run)
    assert world.own_tags(shown["InstanceId"]) == {"a": "b"}


def test_a_charge_is_taken_back_where_nothing_was_made(world: World) -> None:
    ledger = world.account.guard.ledger
    with pytest.raises(Exception, match=r"InvalidAMIID\.NotFound"):
        world.launch(ImageId=f"ami-{NOBODYS}")
    assert ledger.usd == 0
    world.make_volume(Size=3)
    assert ledger.usd == pytest.approx(3 * 24 * 0.08 / 730)
    world.launch()
    assert ledger.usd > 3 * 24 * 0.08 / 730 + 0.0052 + 0.005


def test_a_charge_stays_where_something_may_have_been_made() -> None:
    with strict_cloud_opened() as cloud:
        name = cloud.fail("refuse", code="InternalError", action="CreateVolume", times=1)
        with pytest.MonkeyPatch.context() as patched:
            lead_to(cloud, patched)
            patched.setenv("AWS_MAX_ATTEMPTS", "1")
            with aws_account(Settings("us-west-2", 1.0)) as account:
                world = open_world(account, "unlucky")
                with pytest.raises(ClientError, match="InternalError"):
                    world.make_volume(Size=3)
                assert account.guard.ledger.usd == pytest.approx(3 * 24 * 0.08 / 730)
        assert cloud.fired(name) == 1


def lead_to(cloud: StrictCloud, patched: pytest.MonkeyPatch) -> None:
    """Let boto3 find this cloud where it would find AWS."""
    patched.setenv("AWS_ENDPOINT_URL", cloud.endpoint_url)
    patched.setenv("AWS_ACCESS_KEY_ID", "testing")
    patched.setenv("AWS_SECRET_ACCESS_KEY", "testing")


def test_a_ledger_takes_nothing_above_its_cap() -> None:
    ledger = Ledger("us-west-2", cap_usd=1.0)
    assert [ledger.enter(Charge("x", usd)) for usd in (0.75, 0.5, 0.25)] == [True, False, True]
    assert ledger.usd == 1.0


def test_what_has_lost_its_tag_is_found_by_its_id(world: World, strangers: str) -> None:
    volume_id = world.make_volume()
    world.ec2.delete_tags(Resources=[volume_id], Tags=[{"Key": RUN_TAG}])
    guard = world.account.guard
    remains = Remains(world.ec2, "us-west-2", guard.run, guard.made, WaitSettings(seconds=0.1))
    (left,) = remains.look()
    command = f"aws ec2 delete-volume --region us-west-2 --volume-id {volume_id}"
    assert left == f"{volume_id} (it does not go away): {command}"
    remains.remove()
    assert remains.look() == []
    assert world.volume(strangers)["State"] == "available"


def test_the_record_tells_when_where_and_how_it_went_but_not_whose_account(tmp_path: Path) -> None:
    when = datetime.datetime(2031, 2, 3, tzinfo=datetime.UTC)
    line = last_run.describe_run(
        account_id="123456789012",
        region="us-west-2",
        counts={"passed": 80, "failed": 1},
        when=when,
    )
    last_run.write_record(line, tmp_path / "record")
    assert (tmp_path / "record").read_text() == f"{line}\n"
    assert line.startswith("2031-02-03, account ********9012, us-west-2, commit ")
    assert line.endswith(": 80 passed, 1 failed, 0 skipped")


@pytest.mark.parametrize(
    ("endpoint_url", "is_it"),
    [
        ("https://ec2.us-west-2.amazonaws.com", True),
        ("https://ec2.us-west-2.amazonaws.com.evil.example", False),
        ("http://127.0.0.1:4566", False),
    ],
)
def test_only_aws_itself_makes_a_record(endpoint_url: str, is_it: bool) -> None:
    assert last_run.is_aws(endpoint_url) is is_it


def test_what_a_killed_run_has_left_is_removed_by_its_tag(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with strict_cloud_opened() as cloud:
        lead_to(cloud, monkeypatch)
        with aws_account(Settings("us-west-2", 1.0)) as account:
            world = open_world(account, "killed")
            world.launch_running(DisableApiTermination=True)
            volume_id = world.make_volume()
        assert remove_left([account.run, "--region", account.region]) == 0
        assert (cloud.machines.running(), cloud.machines.volumes) == ([], {})
    output = capsys.readouterr().out
    assert f"{volume_id}: volume" in output
    assert f"Nothing is left of {account.run}" in output
