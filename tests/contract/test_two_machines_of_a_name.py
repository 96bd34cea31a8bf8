"""Two machines of one owner and name, as a start leaves them that is killed before it compares."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.cli.main import main
from notebake.aws import server_calls, tags
from notebake.errors import NotebakeError
from notebake.servers.find import NoSuchServerError, SeveralServersError, find_server
from notebake.servers.launch import launch
from notebake.servers.server import Server
from notebake.servers.termination import terminate_server
from tests.cloud_world import REGION
from tests.killed_calls import killed_during
from tests.server_world import HOST_KEY, ServerWorld, server_world

OWNER = "moto"
"""The name of the user whose credentials the sandbox's are."""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServerWorld]:
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "500")
    with server_world(tmp_path) as opened:
        yield opened


def two_machines(world: ServerWorld, *, is_complete: bool) -> list[Server]:
    """Start a server, and kill the start of a second machine in another zone after its launch.

    A complete one has its host key, so somebody may have opened it.
    """
    plan = world.plan(owner=OWNER)
    first = world.start(plan)
    elsewhere = plan.model_copy(update={"subnets": plan.subnets[1:]})
    group = world.groups()[0]
    killed = killed_during(lambda: launch(elsewhere, group), 1, is_after=True)
    assert killed == "RunInstances"
    servers = world.servers()
    assert len(servers) == 2
    if is_complete:
        second = next(server for server in servers if server.id != first.id)
        server_calls.tag_server(second.id, {tags.HOST_KEY: HOST_KEY}, REGION)
    return world.servers()


def test_terminate_removes_nothing_and_names_both_by_their_ids(
    world: ServerWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    servers = two_machines(world, is_complete=True)
    capsys.readouterr()

    assert main(["terminate", "ocean"]) == 1

    said = capsys.readouterr().err
    assert f"{OWNER} has several servers ocean in us-west-2" in said
    assert all(server.id in said for server in servers)
    assert "--owner" not in said
    removing = ("DeleteSecurityGroup", "TerminateInstances", "ReleaseAddress")
    assert not [action for action in world.world.actions() if action in removing]
    assert len(world.servers()) == 2


def test_one_that_is_named_by_its_id_is_removed_and_the_other_keeps_its_group(
    world: ServerWorld,
) -> None:
    first, second = two_machines(world, is_complete=True)

    assert main(["terminate", first.id, "--yes"]) == 0

    assert [server.id for server in world.servers()] == [second.id]
    assert len(world.groups()) == 1
    assert main(["terminate", "ocean", "--yes"]) == 0
    assert (world.servers(), world.groups()) == ([], [])


def test_the_other_keeps_its_ends_outside_of_it(world: ServerWorld) -> None:
    first, second = two_machines(world, is_complete=True)
    role = "arn:aws:iam::123456789012:role/notebake-scheduler-servers"
    for server in (first, second):
        server_calls.tag_server(server.id, {tags.SCHEDULER_ROLE: role}, REGION)

    terminate_server(find_server(first.id, OWNER, REGION))

    assert len(world.schedules()) == 1
    assert [server.id for server in world.servers()] == [second.id]


def test_a_second_start_ends_the_one_that_nobody_can_have_opened(world: ServerWorld) -> None:
    servers = two_machines(world, is_complete=False)
    (complete,) = [server.id for server in servers if server.host_key]

    again = world.start(world.plan(owner=OWNER))

    assert again.id == complete
    assert [server.id for server in world.servers()] == [complete]


def test_a_second_start_ends_none_that_somebody_may_have_opened(world: ServerWorld) -> None:
    two_machines(world, is_complete=True)

    with pytest.raises(SeveralServersError, match="several servers ocean"):
        world.start(world.plan(owner=OWNER))

    assert len(world.servers()) == 2


def test_of_several_people_each_one_is_named_and_none_counts_as_missing(
    world: ServerWorld,
) -> None:
    for owner in ("ada", "bob"):
        world.start(world.plan(owner=owner))

    with pytest.raises(SeveralServersError, match=r"of ada.* of bob") as caught:
        find_server("ocean", "carol", REGION)

    error: NotebakeError = caught.value
    assert not isinstance(error, NoSuchServerError)
    assert "--owner NAME" in error.hint
