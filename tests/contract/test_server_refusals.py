"""What `start` and `open` refuse: one message, what to type next, and nothing left behind."""

import os
import re
import shlex
import socket
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.cli.exit_codes import INTERRUPTED
from flows.cli.main import main
from notebake import clock
from notebake.aws import tags
from notebake.errors import WaitTimeoutError
from notebake.local.process import Process, process_of
from notebake.runs.keys import generate_keys
from notebake.servers import keys
from notebake.servers.folders import NewServer, Reached, credentials_of, folder_of
from notebake.servers.place import remember
from notebake.servers.ports import keep_port
from notebake.ssh.host import Host
from sandbox.ec2.state.base_images import RELEASES, image_id
from tests.cloud_world import REGION
from tests.conformance.account import FRIEND
from tests.ec2_actions import Ec2Actions
from tests.quick_clock import QuickClock
from tests.server_world import HOST_KEY, UBUNTU, ServerWorld, server_named, server_world

PERSON = "moto"
"""The name of the user whose credentials the sandbox's are."""
WHOSE = ("--owner", PERSON)
START = ("start", UBUNTU, "--name", "ocean", "--yes")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServerWorld]:
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "500")
    with server_world(tmp_path) as opened, clock.replaced(QuickClock(60)):
        yield opened


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Give the function that types a command, which must be refused by one message."""

    def type_command(*words: str) -> str:
        capsys.readouterr()
        assert main(list(words)) == 1
        said = capsys.readouterr().err
        assert said.count("✗") == 1, said
        assert "Traceback" not in said
        return said

    return type_command


def ocean() -> NewServer:
    return NewServer(name="ocean", owner=PERSON, region=REGION)


def next_command(said: str, purpose: str) -> list[str]:
    """Return the words of a command that is to be typed next."""
    found = re.search(rf"{re.escape(purpose)}: +(.+)", said)
    assert found, said
    return shlex.split(found[1])


def fail(world: ServerWorld, action: str, code: str) -> str:
    return world.world.sandbox.fail("refuse", action=action, code=code, name=f"{action} {code}")


def check_nothing_is_left(world: ServerWorld) -> None:
    """Check that neither account nor this computer has anything of a server."""
    assert (world.servers(), world.groups()) == ([], [])
    assert world.world.ec2.describe_volumes()["Volumes"] == []


def image_of_the_owner(world: ServerWorld) -> str:
    """Return a new image of the first account, which is shared with nobody."""
    actions = Ec2Actions(
        ec2=world.world.ec2,
        image_id=UBUNTU,
        zone=f"{REGION}a",
        usual={"InstanceType": "t3.micro"},
    )
    machine = actions.launch_running()
    image_id = actions.bake(machine, "shared-ocean-1")
    actions.terminate(machine)
    return image_id


@pytest.mark.parametrize("named", ["by its id", "by its name"])
def test_an_image_that_is_not_shared_is_refused_with_what_its_owner_types(
    world: ServerWorld,
    refused: Callable[..., str],
    become: Callable[[str], None],
    named: str,
) -> None:
    image_id = image_of_the_owner(world)
    become(FRIEND)
    wanted = image_id if named == "by its id" else "shared-ocean*"
    said = refused("start", wanted, "--name", "ocean", "--yes")
    shown = image_id if named == "by its id" else "IMAGE"
    assert next_command(said, "Its owner, to share it") == [
        *("notebake", "share", shown, "--with", FRIEND, "--region", REGION)
    ]
    check_nothing_is_left(world)
    assert not folder_of(server_named(PERSON, "ocean")).exists()


def test_an_interrupted_start_says_what_may_run_and_how_it_is_removed(
    world: ServerWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("notebake.servers.start.wait_for_host_key", interrupted)
        assert main([*START]) == INTERRUPTED
    said = capsys.readouterr().err
    assert "Interrupted. ocean may run by now, and cost." in said
    assert len(world.servers()) == 1
    assert main([*next_command(said, "To remove it")[1:], "--yes"]) == 0
    check_nothing_is_left(world)


def test_a_start_that_fails_after_the_launch_says_what_runs_and_how_it_is_removed(
    world: ServerWorld, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(*_: object) -> None:
        raise WaitTimeoutError("Timed out after 300 s waiting for a host key.")

    with monkeypatch.context() as patch:
        patch.setattr("notebake.servers.start.wait_for_host_key", too_late)
        said = refused(*START)
    (server,) = world.servers()
    assert f"ocean ({server.id}) runs, and costs. The same start goes on with it." in said
    assert next_command(said, "What runs") == ["notebake", "servers"]
    assert main([*next_command(said, "To remove it")[1:], "--yes"]) == 0
    check_nothing_is_left(world)


def test_a_launch_whose_outcome_is_unknown_says_that_it_may_run(
    world: ServerWorld, refused: Callable[..., str]
) -> None:
    lost = world.world.sandbox.fail("lose_after", action="RunInstances", name="lost")
    said = refused(*START)
    assert world.world.sandbox.fired(lost) > 0
    assert "ocean may run by now, and cost. The same start goes on with it." in said
    world.world.sandbox.cloud.faults.remove("lost")
    assert main([*next_command(said, "To remove it")[1:], "--yes"]) == 0
    check_nothing_is_left(world)


def test_a_start_that_is_refused_does_not_say_that_a_machine_runs(
    world: ServerWorld, refused: Callable[..., str]
) -> None:
    assert main(list(START)) == 0
    assert main(["stop", "ocean"]) == 0
    fault = fail(world, "StartInstances", "InsufficientInstanceCapacity")
    said = refused(*START)
    assert world.world.sandbox.fired(fault) >= 1
    assert "costs" not in said.lower()
    assert "To remove it" not in said


def test_a_slip_in_the_name_of_a_recipe_is_answered_with_the_one_that_was_meant(
    world: ServerWorld, refused: Callable[..., str]
) -> None:
    image_id = image_of_the_owner(world)
    assert "Did you mean" not in refused("start", "rehersal", "--yes")
    marks = {tags.RECIPE: "rehearsal", tags.ACCEPTED: "2026-11-30T14:35:00+00:00"}
    shown = [{"Key": key, "Value": value} for key, value in marks.items()]
    world.world.ec2.create_tags(Resources=[image_id], Tags=shown)
    assert "Did you mean rehearsal?" in refused("start", "rehersal", "--yes")
    check_nothing_is_left(world)


@pytest.mark.usefixtures("world")
def test_the_name_of_a_server_that_is_no_image_leads_to_the_server(
    refused: Callable[..., str],
) -> None:
    assert main([*START]) == 0
    said = refused("start", "ocean", "--yes")
    assert next_command(said, "The server of this name") == ["notebake", "open", "ocean", *WHOSE]
    assert "The server of this name" not in refused("start", "river", "--yes")


@pytest.mark.parametrize("named", ["by its id", "by its name", "deprecated"])
def test_a_shared_image_is_started_and_its_tags_are_not_needed(
    world: ServerWorld, become: Callable[[str], None], named: str, capsys: Any
) -> None:
    image_id = image_of_the_owner(world)
    owners = world.world.ec2
    share = {"LaunchPermission": {"Add": [{"UserId": FRIEND}]}}
    owners.modify_image_attribute(ImageId=image_id, **share)
    owners.create_tags(Resources=[image_id], Tags=[{"Key": "notebake:recipe", "Value": "ocean"}])
    if named == "deprecated":
        at = world.world.sandbox.cloud.clock.now() + timedelta(minutes=1)
        owners.enable_image_deprecation(ImageId=image_id, DeprecateAt=at)
        world.world.sandbox.advance(200)
    become(FRIEND)
    wanted = "shared-ocean*" if named == "by its name" else image_id
    assert main(["start", wanted, "--name", "ocean", "--yes"]) == 0
    (server,) = world.servers()
    assert (server.image_id, server.host_key) == (image_id, HOST_KEY)
    assert "if its image has notebake's idle stop" in capsys.readouterr().out
    become("testing")
    assert world.servers() == []


def test_a_quota_is_refused_with_the_request_for_more_and_nothing_is_left(
    world: ServerWorld, refused: Callable[..., str]
) -> None:
    fault = fail(world, "RunInstances", "VcpuLimitExceeded")
    said = refused(*START)
    assert world.world.sandbox.fired(fault) == 1
    assert "VcpuLimitExceeded" in said
    assert "aws service-quotas request-service-quota-increase" in said
    assert "recipe" not in said
    assert next_command(said, "What runs, and may be stopped") == ["notebake", "servers"]
    check_nothing_is_left(world)


def test_full_zones_are_all_named_and_nothing_is_left(
    world: ServerWorld, refused: Callable[..., str]
) -> None:
    fault = fail(world, "RunInstances", "InsufficientInstanceCapacity")
    said = refused(*START)
    zones = [f"{REGION}{letter}" for letter in "abcd"]
    assert world.world.sandbox.fired(fault) == len(zones)
    assert all(f"t3.large in {zone}" in said for zone in zones)
    assert "with another type: --type TYPE" in said
    check_nothing_is_left(world)


def test_a_launch_without_an_answer_keeps_its_group_and_is_gone_on_with(
    world: ServerWorld, refused: Callable[..., str]
) -> None:
    lost = world.world.sandbox.fail("lose_after", action="RunInstances", name="lost")
    refused(*START)
    assert world.world.sandbox.fired(lost) > 0
    assert len(world.groups()) == 1, "the machine whose launch was not answered is in it"
    world.world.sandbox.cloud.faults.remove("lost")
    assert main(list(START)) == 0
    assert len(world.servers()) == 1


@pytest.mark.parametrize("command", [START, ("open", "ocean")])
def test_a_stopped_server_whose_zone_is_full_says_that_it_can_start_only_there(
    world: ServerWorld, refused: Callable[..., str], command: tuple[str, ...]
) -> None:
    assert main(list(START)) == 0
    assert main(["stop", "ocean"]) == 0
    fault = fail(world, "StartInstances", "InsufficientInstanceCapacity")
    said = refused(*command)
    assert world.world.sandbox.fired(fault) >= 1
    (server,) = world.servers()
    assert f"Its disks lie in {server.zone}" in said
    assert next_command(said, "To try again") == ["notebake", "open", "ocean", *WHOSE]
    assert server.state == "stopped"


def test_a_stopped_server_that_the_quota_has_no_room_for_says_so(
    world: ServerWorld, refused: Callable[..., str]
) -> None:
    assert main(list(START)) == 0
    assert main(["stop", "ocean"]) == 0
    fault = fail(world, "StartInstances", "VcpuLimitExceeded")
    said = refused("open", "ocean")
    assert world.world.sandbox.fired(fault) == 1
    assert "aws service-quotas request-service-quota-increase" in said
    assert next_command(said, "To try again") == ["notebake", "open", "ocean", *WHOSE]


def test_a_server_that_is_being_stopped_is_awaited_and_started(world: ServerWorld) -> None:
    assert main(list(START)) == 0
    (server,) = world.servers()
    with world.world.sandbox.machines.held():
        world.world.ec2.stop_instances(InstanceIds=[server.id])
        assert world.servers()[0].state == "stopping"
    assert main(list(START)) == 0
    (again,) = world.servers()
    assert (again.id, again.state) == (server.id, "running")
    assert len(world.world.sandbox.calls("RunInstances")) == 1


def test_a_lost_key_is_named_before_anything_starts_and_starting_makes_no_other(
    world: ServerWorld, refused: Callable[..., str]
) -> None:
    assert main(list(START)) == 0
    assert main(["stop", "ocean"]) == 0
    path = keys.key_path(server_named(PERSON, "ocean"))
    path.unlink()
    said = refused("open", "ocean")
    assert f"{path} does not exist" in said
    command = next_command(said, "With another that the server accepts")
    assert command == ["notebake", "open", "ocean", "--key", "FILE", *WHOSE]
    assert world.servers()[0].state == "stopped"
    assert main(list(START)) == 0
    assert not path.exists(), "a new key would not open it, and hide that the old one is lost"


def own_key(folder: Path) -> Path:
    """Return the path of a new private key of a person's own."""
    path = folder / "own"
    path.write_text(generate_keys().private)
    path.chmod(0o600)
    return path


@pytest.mark.usefixtures("world")
def test_a_key_that_is_named_for_a_server_that_is_there_hides_none_that_opens_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(list(START)) == 0
    path = keys.key_path(server_named(PERSON, "ocean"))
    assert main([*START, "--key", str(own_key(tmp_path))]) == 0
    assert keys.key_path(server_named(PERSON, "ocean")) == path
    assert "Its key stays as it is" in capsys.readouterr().out


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("ended", ["by terminate here", "elsewhere"])
def test_an_own_key_is_for_one_server_and_its_file_is_never_written(
    tmp_path: Path, world: ServerWorld, ended: str
) -> None:
    own = own_key(tmp_path)
    assert main([*START, "--key", str(own)]) == 0
    assert keys.key_path(server_named(PERSON, "ocean")) == own
    if ended == "elsewhere":
        world.world.ec2.terminate_instances(InstanceIds=[world.servers()[0].id])
    else:
        assert main(["terminate", "ocean", "--yes"]) == 0
    own.unlink()
    assert main(list(START)) == 0
    assert (
        keys.key_path(server_named(PERSON, "ocean"))
        == folder_of(server_named(PERSON, "ocean")) / "id_ed25519"
    )
    assert not own.exists()


@pytest.mark.usefixtures("world")
def test_the_port_of_a_server_that_is_terminated_is_free_for_the_next() -> None:
    assert main(list(START)) == 0
    port = keep_port(ocean())
    assert main(["terminate", "ocean", "--yes"]) == 0
    assert keep_port(ocean().model_copy(update={"name": "river"})) == port


@pytest.mark.usefixtures("world")
def test_another_type_and_another_image_for_a_server_that_is_there_are_said_to_stay(
    world: ServerWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(list(START)) == 0
    assert "stays" not in capsys.readouterr().out
    (server,) = world.servers()
    other = image_id(RELEASES[1], REGION)
    assert main(["start", other, "--name", "ocean", "--yes", "--type", "m5.xlarge"]) == 0
    printed = capsys.readouterr().out
    assert f"Its type stays {server.instance_type}, not m5.xlarge" in printed
    assert f"Its image stays {UBUNTU}, not {other}" in printed


def test_a_plan_that_is_declined_leaves_no_key(
    world: ServerWorld, refused: Callable[..., str]
) -> None:
    said = refused("start", UBUNTU, "--name", "ocean")
    assert "--yes" in said
    check_nothing_is_left(world)
    assert not folder_of(server_named(PERSON, "ocean")).exists()


def opened_before(world: ServerWorld) -> None:
    """Let the server have been opened here, with nobody at its address."""
    assert main(list(START)) == 0
    (server,) = world.servers()
    host = Host(
        instance_id=server.id,
        address="127.0.0.1",
        user="ubuntu",
        private_key_path=str(keys.key_path(server_named(PERSON, "ocean"))),
        host_key=HOST_KEY,
    )
    remember(
        Reached(
            name="ocean",
            owner=PERSON,
            region=REGION,
            host=host,
            jupyter_port=8888,
            credentials=credentials_of(os.environ),
        )
    )


@pytest.mark.parametrize("asked", ["kept", "named"])
def test_a_port_that_another_program_has_is_refused_with_one_that_is_free(
    world: ServerWorld, refused: Callable[..., str], asked: str
) -> None:
    opened_before(world)
    kept = keep_port(ocean())
    with socket.create_server(("127.0.0.1", kept if asked == "kept" else 0)) as other:
        port = other.getsockname()[1]
        words = () if asked == "kept" else ("--port", str(port))
        said = refused("open", "ocean", *words)
        assert keep_port(ocean()) == kept, "the one that worked is kept"
    assert f"listens on port {port}, at which ocean is opened" in said
    command = next_command(said, "To open it at another")
    free = command.pop(4)
    assert command == ["notebake", "open", "ocean", "--port", *WHOSE]
    with socket.create_server(("127.0.0.1", int(free))):
        pass
    folder = folder_of(server_named(PERSON, "ocean"))
    assert not (folder / "open.html").exists()
    assert not (folder / "open.process").exists()


@pytest.fixture
def another_process() -> Iterator[Process]:
    """Give another process of this machine, which lives as long as the test."""
    with subprocess.Popen(["sleep", "600"]) as other:
        yield process_of(other.pid)
        other.kill()


def test_a_second_open_leaves_the_record_of_the_first_and_says_that_it_holds_the_port(
    world: ServerWorld, refused: Callable[..., str], another_process: Process
) -> None:
    opened_before(world)
    record = folder_of(server_named(PERSON, "ocean")) / "open.process"
    record.write_text(another_process.model_dump_json())
    with socket.create_server(("127.0.0.1", keep_port(ocean()))):
        said = refused("open", "ocean", "--print")
    assert f"Another `notebake open` of ocean, {another_process.label}, holds port" in said
    assert next_command(said, "To see its page again") == ["notebake", "open", "ocean", *WHOSE]
    assert Process.model_validate_json(record.read_bytes()) == another_process
