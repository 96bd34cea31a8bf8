"""On the way to an open server: found, started, let in from today's address alone, or refused."""

import json
import os
import shlex
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from flows.terminal.server_power import describe_stopped
from notebake.aws import tags
from notebake.errors import NotebakeError
from notebake.servers import admission, keys
from notebake.servers.admission import describe
from notebake.servers.find import find_server
from notebake.servers.keep import keep_server
from notebake.servers.locate import Question, Search, ServerGoneError, ServerStoppedError, locate
from notebake.servers.place import recall
from notebake.servers.reach import reach
from notebake.servers.ssh_config import config_path
from tests.cloud_world import REGION, CloudWorld
from tests.server_world import server_named

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43


def launch(world: CloudWorld, *, host_key: str = HOST_KEY, owner: str = "ada") -> str:
    """Launch a server as `start` does, and return its id."""
    marks = {
        tags.SERVER: "ocean",
        tags.OWNER: owner,
        tags.JUPYTER_PORT: "8888",
        tags.HOST_KEY: host_key,
    }
    group = world.ec2.create_security_group(
        GroupName="notebake server ocean" + ("" if owner == "ada" else f" of {owner}"),
        Description="a server",
        TagSpecifications=tags.specifications(marks, "security-group"),
    )["GroupId"]
    image = world.ec2.describe_images(Owners=["099720109477"])["Images"][0]["ImageId"]
    made = world.ec2.run_instances(
        ImageId=image,
        InstanceType="t3.large",
        MinCount=1,
        MaxCount=1,
        SecurityGroupIds=[group],
        TagSpecifications=tags.specifications(marks, "instance"),
    )
    instance_id: str = made["Instances"][0]["InstanceId"]
    world.ec2.get_waiter("instance_running").wait(
        InstanceIds=[instance_id], WaiterConfig={"Delay": 1}
    )
    keys.ensure_key(server_named(owner, "ocean"))
    return instance_id


def stop(world: CloudWorld, instance_id: str) -> None:
    world.ec2.stop_instances(InstanceIds=[instance_id])
    world.ec2.get_waiter("instance_stopped").wait(
        InstanceIds=[instance_id], WaiterConfig={"Delay": 1}
    )


def rules(world: CloudWorld) -> dict[str, str]:
    """Return the blocks that may reach port 22, with their descriptions."""
    filters = [{"Name": "group-name", "Values": ["notebake server ocean"]}]
    found = world.ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]
    return {
        block["CidrIp"]: block.get("Description", "")
        for permission in found["IpPermissions"]
        for block in permission["IpRanges"]
    }


@pytest.fixture(autouse=True)
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give the function that moves this computer to another address."""

    def move(address: str) -> None:
        monkeypatch.setattr(admission, "own_address", lambda _server: address)

    move("198.51.100.1")
    return move


def ada() -> Any:
    return find_server("ocean", "ada", REGION)


def test_a_running_server_is_reached_with_its_key_and_its_host_key(
    world: CloudWorld,
) -> None:
    instance_id = launch(world)
    host = reach(ada(), "ada", own_key="", may_start=False)
    assert (host.instance_id, host.host_key, host.user) == (instance_id, HOST_KEY, "ubuntu")
    assert host.address == ada().public_address
    assert host.private_key_path == str(keys.key_path(server_named("ada", "ocean")))
    assert f"HostKeyAlias {instance_id}" in config_path().read_text()
    assert list(rules(world)) == ["198.51.100.1/32"]


def test_a_stopped_server_starts_and_has_another_address(world: CloudWorld) -> None:
    instance_id = launch(world)
    before = reach(ada(), "ada", own_key="", may_start=False)
    stop(world, instance_id)
    with pytest.raises(ServerStoppedError, match="ocean is stopped") as caught:
        reach(ada(), "ada", own_key="", may_start=False)
    assert caught.value.next_commands[0].words == ("open", "ocean", "--owner", "ada")
    after = reach(ada(), "ada", own_key="", may_start=True)
    assert after.instance_id == instance_id
    assert after.address != before.address


def test_a_server_that_is_being_stopped_is_started_when_it_has_stopped(
    world: CloudWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "notebake")
    instance_id = launch(world)
    world.ec2.stop_instances(InstanceIds=[instance_id])
    server = ada()
    assert server.state in ("stopping", "stopped")
    host = reach(server.model_copy(update={"state": "stopping"}), "ada", own_key="", may_start=True)
    assert host.address == ada().address
    assert "as soon as it has stopped" in caplog.text


def test_todays_address_is_let_in_and_only_our_own_former_one_is_taken_out(
    world: CloudWorld, at: Any
) -> None:
    launch(world)
    others = {"192.0.2.0/24": "the lab", "203.0.113.9/32": describe("ada", "her desk")}
    group = ada().group_ids[0]
    for block, words in others.items():
        permission = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
        ranges = [{"CidrIp": block, "Description": words}]
        world.ec2.authorize_security_group_ingress(
            GroupId=group, IpPermissions=[{**permission, "IpRanges": ranges}]
        )
    admission.admit(ada(), "ada", "laptop")
    at("198.51.100.2")
    admission.admit(ada(), "ada", "laptop")
    changes = [name for name in world.actions() if "SecurityGroupIngress" in name]
    admission.admit(ada(), "ada", "laptop")
    assert rules(world) == {**others, "198.51.100.2/32": describe("ada", "laptop")}
    again = [name for name in world.actions() if "SecurityGroupIngress" in name]
    assert again == changes, "what is let in is not let in again"


def test_descriptions_hold_what_ec2_allows(world: CloudWorld) -> None:
    launch(world)
    admission.admit(ada(), "ada", "Ada's MacBook, größer" + "x" * 300)
    (words,) = rules(world).values()
    assert words.startswith("notebake: ada on Ada-s MacBook")
    assert len(words) == 255


def test_no_host_key_is_trusted_on_first_use(world: CloudWorld) -> None:
    launch(world, host_key="")
    with pytest.raises(NotebakeError, match="no key is trusted on first use"):
        reach(ada(), "ada", own_key="", may_start=True)
    assert rules(world) == {}, "nobody was let in"


def test_a_lost_key_file_is_named_before_anything_is_started(world: CloudWorld) -> None:
    instance_id = launch(world)
    stop(world, instance_id)
    keys.key_path(server_named("ada", "ocean")).unlink()
    with pytest.raises(NotebakeError, match="is not on this computer"):
        reach(ada(), "ada", own_key="", may_start=True)
    assert ada().state == "stopped"


def test_another_process_finds_it_and_tells_of_errors(world: CloudWorld) -> None:
    launch(world)
    said: list[str] = []
    question = Question(name="ocean", owner="ada", region=REGION)
    found = locate(question, said.append)
    assert found.host.address == ada().address
    assert found.jupyter_port == 8888
    assert recall("ocean", owner="", region=REGION) == found
    assert any("Letting ssh in" in line for line in said)
    with pytest.raises(ServerGoneError, match="no server moon") as caught:
        locate(Question(name="moon", owner="ada", region=REGION), said.append)
    assert caught.value.next_commands[0].words == ("servers",)
    home = Path(os.environ["HOME"])
    secret = keys.key_path(server_named("ada", "ocean")).read_text().splitlines()[2]
    readable = [path for path in home.rglob("*.json") if secret in path.read_text()]
    assert readable == []
    assert secret not in json.dumps(said)


def test_a_search_is_begun_before_its_answer_is_wanted_and_asks_once(world: CloudWorld) -> None:
    instance_id = launch(world)
    found = locate(Question(name="ocean", owner="ada", region=REGION), lambda _: None)
    stop(world, instance_id)
    before = world.actions()
    said: list[str] = []
    question = Question(name="ocean", owner="ada", region=REGION, may_start=True).about(found)
    search = Search(question)
    while world.actions()[len(before) :].count("StartInstances") == 0:
        time.sleep(0.05)
    assert not search.is_answered
    answers = [search.answer(said.append) for _ in range(2)]
    search.end()
    assert answers[0] == answers[1]
    assert answers[0].host.address == ada().public_address
    assert world.actions()[len(before) :].count("StartInstances") == 1
    assert len([line for line in said if "Starting ocean" in line]) == 1

    failing = Search(Question(name="moon", owner="ada", region=REGION))
    for _ in range(2):
        with pytest.raises(ServerGoneError, match="no server moon"):
            failing.answer(said.append)


def test_a_later_look_stays_with_the_server_that_was_found(world: CloudWorld) -> None:
    first = launch(world)
    question = Question(name="ocean", region=REGION)
    found = locate(question, lambda _: None)
    assert found.host.instance_id == first
    launch(world, owner="bob")
    again = question.about(found)
    assert locate(again, lambda _: None).host.instance_id == first

    world.ec2.terminate_instances(InstanceIds=[first])
    with pytest.raises(ServerGoneError, match=r"ada has no server ocean .*, but bob has"):
        locate(again, lambda _: None)

    successor = launch_again(world)
    assert locate(again, lambda _: None).host.instance_id == successor, "the same person's"


def launch_again(world: CloudWorld) -> str:
    """Launch ada's next server, whose group is that of the one before."""
    found = world.ec2.describe_security_groups(
        Filters=[{"Name": "group-name", "Values": ["notebake server ocean"]}]
    )
    world.ec2.get_waiter("instance_terminated").wait(
        Filters=[{"Name": "tag:notebake:owner", "Values": ["ada"]}], WaiterConfig={"Delay": 1}
    )
    world.ec2.delete_security_group(GroupId=found["SecurityGroups"][0]["GroupId"])
    return launch(world)


def test_what_is_to_be_typed_names_another_region_than_the_usual_one(
    world: CloudWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop(world, launch(world))
    server = ada()
    reach_it = partial(reach, server, "ada", own_key="", may_start=False)
    for usual, words in ((REGION, ()), ("eu-west-1", ("--region", REGION))):
        monkeypatch.setenv("AWS_REGION", usual)
        with pytest.raises(ServerStoppedError) as stopped:
            reach_it()
        assert stopped.value.next_commands[0].words == ("open", "ocean", "--owner", "ada", *words)
        with pytest.raises(NotebakeError) as idle:
            keep_server(server, 60)
        assert [each.words for each in idle.value.next_commands] == [
            ("open", "ocean", "--owner", "ada", *words),
            ("servers", *words),
        ]
        with pytest.raises(NotebakeError) as unknown:
            find_server("moon", "ada", REGION)
        assert unknown.value.next_commands[0].words == ("servers", *words)
        said = "\n".join(describe_stopped(server))
        assert (
            shlex.join(("notebake", "open", "ocean", "--owner", "ada", *words))
            in said.splitlines()[1]
        )
        assert said.endswith(shlex.join(("notebake", "servers", *words)))
