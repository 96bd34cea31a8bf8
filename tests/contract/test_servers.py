"""Servers: one machine for a name, whoever starts it; what is known of it stands in its tags."""

import datetime
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from flows.cli.main import main
from notebake import clock
from notebake.aws import tags
from notebake.errors import CapacityError, NotebakeError, ResourceLostError
from notebake.machines.idle.daily_end import parse_daily_end
from notebake.machines.idle.judge import next_stop
from notebake.machines.idle.settings import Limits, Settings, parse_tags
from notebake.machines.idle.signals import Signals
from notebake.servers.find import NoSuchServerError, SeveralServersError, find_server
from notebake.servers.keep import keep_server
from notebake.servers.launch import launch
from notebake.servers.losses import losses_of
from notebake.servers.power import start_server, stop_server
from notebake.servers.termination import remove_group, terminate_server
from tests.cloud_world import REGION, CallRecorder, RefusedCall
from tests.killed_calls import killed_during
from tests.server_world import HOST_KEY, OWNER, ServerWorld, server_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ServerWorld]:
    with server_world(tmp_path) as opened:
        yield opened


def test_a_server_is_known_by_its_tags_alone(world: ServerWorld) -> None:
    started = world.start(world.plan())

    found = find_server("ocean", OWNER, REGION)

    assert found == find_server(started.id, "somebody else", REGION)
    assert (found.name, found.owner, found.host_key) == ("ocean", OWNER, HOST_KEY)
    assert (found.idle_minutes, found.state) == (60, "running")
    assert found.address == started.address != ""
    (instance,) = world.world.ec2.describe_instances()["Reservations"][0]["Instances"]
    assert instance["MetadataOptions"]["InstanceMetadataTags"] == "enabled"
    asked = world.world.ec2.describe_instance_attribute(
        InstanceId=found.id, Attribute="instanceInitiatedShutdownBehavior"
    )
    assert asked["InstanceInitiatedShutdownBehavior"]["Value"] == "stop"


def test_whoever_starts_twice_gets_the_one_machine(world: ServerWorld) -> None:
    first = world.start(world.plan())
    assert world.start(world.plan()).id == first.id
    # Another computer has another key, and asks for another type: the server is there already.
    other = world.plan(public_key="ssh-ed25519 AAAAother", instance_type="t3.micro")
    assert world.start(other).id == first.id
    assert len(world.world.sandbox.calls("RunInstances")) == 1


def test_two_computers_at_the_same_moment_get_one_machine(world: ServerWorld) -> None:
    plans = [world.plan(), world.plan(public_key="ssh-ed25519 AAAAother")]
    with ThreadPoolExecutor(2) as pool:
        started = list(pool.map(world.start, plans))
    assert started[0].id == started[1].id
    assert len(world.servers()) == 1
    assert len(world.groups()) == 1


def test_a_second_machine_that_another_zone_had_room_for_is_ended(world: ServerWorld) -> None:
    plan = world.plan()
    first = world.start(plan)
    # Elsewhere the list of servers was read before that one was shown, and its zone was full.
    elsewhere = plan.model_copy(update={"subnets": plan.subnets[1:]})
    kept = launch(elsewhere, world.groups()[0])

    # Both may have begun in the same second.
    assert kept.id == min([kept, first], key=lambda server: (server.started_at, server.id)).id
    assert [server.id for server in world.servers()] == [kept.id]
    assert len(world.world.sandbox.calls("RunInstances")) == 2


def test_a_full_zone_is_passed_over_and_a_full_region_says_what_was_tried(
    world: ServerWorld,
) -> None:
    plan = world.plan()
    first_zone = plan.subnets[0]["AvailabilityZone"]
    full = world.world.sandbox.fail(
        "refuse",
        action="RunInstances",
        code="InsufficientInstanceCapacity",
        where={"zone": first_zone},
    )
    assert world.start(plan).zone == plan.subnets[1]["AvailabilityZone"]
    assert world.world.sandbox.fired(full) == 1
    world.world.sandbox.fail(
        "refuse", action="RunInstances", code="InsufficientInstanceCapacity", name="everywhere"
    )
    with pytest.raises(CapacityError, match=f"t3.large in {first_zone}"):
        world.start(world.plan("second"))
    assert len(world.servers()) == 1


def test_a_stopped_server_starts_again_at_another_address(world: ServerWorld) -> None:
    first = world.start(world.plan())
    stop_server(first)
    stopped = find_server("ocean", OWNER, REGION)
    assert (stopped.state, stopped.address) == ("stopped", stopped.private_address)
    again = world.start(world.plan())
    assert (again.id, again.host_key) == (first.id, HOST_KEY)
    assert again.public_address not in (None, first.public_address)


def test_the_last_end_is_a_day_after_each_start_unless_there_is_a_daily_end(
    world: ServerWorld,
) -> None:
    plain = world.start(world.plan())
    daily = {"notebake:daily-end": "19:00 Asia/Tokyo"}
    with_daily = world.start(world.plan("daily", tags=daily))
    for server in (plain, with_daily):
        stop_server(server)
        start_server(find_server(server.name, OWNER, REGION))
    ends = find_server("ocean", OWNER, REGION).hard_end
    assert ends is not None
    assert abs((ends.timestamp() - clock.now()) - 86400) < 600
    assert find_server("daily", OWNER, REGION).hard_end is None


def test_a_daily_end_that_is_set_later_is_not_preceded_by_the_end_a_day_after_the_start(
    world: ServerWorld,
) -> None:
    hard = datetime.datetime.fromtimestamp(clock.now(), datetime.UTC) + datetime.timedelta(hours=24)
    plan = world.plan(tags={"notebake:hard-end": tags.as_tag(hard)})
    world.start(plan)
    world.advance(23.5 * 3600)
    set_at = clock.now()
    passed = datetime.datetime.fromtimestamp(clock.now(), datetime.UTC) - datetime.timedelta(
        hours=1
    )
    until = {"notebake:daily-end": f"{passed:%H:%M} UTC"}

    server = world.start(plan.model_copy(update={"changes": until}))

    tomorrow = passed.replace(second=0, microsecond=0) + datetime.timedelta(days=1)
    assert server.hard_end is not None
    settings = Settings(
        Limits(),
        daily_end=parse_daily_end(server.daily_end),
        daily_end_known_since=set_at,
        hard_end=server.hard_end.timestamp(),
    )
    booted = server.started_at.timestamp()
    signals = Signals(taken=set_at, window_seconds=60, booted=booted, jupyter="running")
    assert next_stop(signals, settings, None) == (tomorrow.timestamp(), "daily end")


def test_a_server_that_is_being_stopped_is_awaited(world: ServerWorld) -> None:
    server = world.start(world.plan())
    slow = world.world.sandbox.fail("slow", action="StopInstances", seconds=3, times=1)
    world.world.ec2.stop_instances(InstanceIds=[server.id])
    stopping = find_server("ocean", OWNER, REGION)
    assert (world.world.sandbox.fired(slow), stopping.state) == (1, "stopping")
    assert start_server(stopping).state == "running"


def test_a_server_that_was_terminated_elsewhere_meanwhile_is_no_run_to_be_resumed(
    world: ServerWorld,
) -> None:
    server = world.start(world.plan())
    with world.world.sandbox.machines.held():
        world.world.ec2.stop_instances(InstanceIds=[server.id])
        stopping = find_server("ocean", OWNER, REGION)
        world.world.ec2.terminate_instances(InstanceIds=[server.id])
    assert stopping.state == "stopping"
    for act in (start_server, stop_server):
        with pytest.raises(ResourceLostError) as lost:
            act(stopping)
        assert "Resume the run" not in str(lost.value)
        assert "start one of that name" in lost.value.hint
        assert lost.value.next_commands[0].words == ("servers",)


def test_keep_sets_until_when_and_refuses_what_does_not_run(world: ServerWorld) -> None:
    server = world.start(world.plan())
    until = keep_server(server, 180)
    assert find_server("ocean", OWNER, REGION).keep_until == until
    assert until - datetime.datetime.now(datetime.UTC) > datetime.timedelta(hours=2)
    assert find_server("ocean", OWNER, REGION).hard_end == server.hard_end
    longer = keep_server(server, 48 * 60)
    kept = find_server("ocean", OWNER, REGION)
    assert kept.hard_end == longer
    keep_server(kept, 60)
    usual = kept.started_at + datetime.timedelta(hours=24)
    assert find_server("ocean", OWNER, REGION).hard_end == usual, "a slip is taken back"
    stop_server(server)
    with pytest.raises(NotebakeError, match="is stopped: only one that runs"):
        keep_server(find_server("ocean", OWNER, REGION), 60)


def test_a_hold_ends_with_the_run_that_it_was_for(world: ServerWorld) -> None:
    hour = (clock.now() - 4 * 3600) % 86400 // 3600
    ends = {"notebake:idle-minutes": "60", "notebake:daily-end": f"{hour:02.0f}:00 UTC"}
    plan = world.plan(tags=ends)
    server = world.start(plan)
    keep_server(server, 72 * 60)
    stop_server(server)

    again = start_server(find_server("ocean", OWNER, REGION))

    settings, wrong = parse_tags(again.tags, Limits())
    assert (settings.keep_until, settings.hard_end, wrong) == (None, None, [])
    booted = again.started_at.timestamp()
    signals = Signals(taken=booted, window_seconds=60, booted=booted, jupyter="running")
    assert next_stop(signals, settings, booted) == (booted + 3600, "idle")


def test_somebody_elses_server_is_stopped_only_if_that_is_meant(
    world: ServerWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world.start(world.plan(owner="bob"))

    assert main(["stop", "ocean"]) == 1
    assert "standard input is no terminal" in capsys.readouterr().err
    assert find_server("ocean", "bob", REGION).state == "running"
    assert main(["stop", "ocean", "--owner", "bob"]) == 0
    assert find_server("ocean", "bob", REGION).state == "stopped"


def test_a_slip_of_the_hand_keeps_no_server_for_years(world: ServerWorld) -> None:
    server = world.start(world.plan())
    with pytest.raises(NotebakeError, match="cannot be kept for 30000 h") as refused:
        keep_server(server, 30_000 * 60)
    assert refused.value.next_commands[-1].words == (
        *("keep", "ocean", "--for", "168h", "--owner", OWNER),
    )
    assert find_server("ocean", OWNER, REGION).keep_until is None
    week = keep_server(server, 168 * 60)
    assert find_server("ocean", OWNER, REGION).keep_until == week


def test_a_terminated_server_leaves_nothing_and_its_name_is_free(world: ServerWorld) -> None:
    server = world.start(world.plan())
    assert [disk.size_gib for disk in losses_of(server, OWNER).gone] == [8]
    with world.world.intercepting(CallRecorder("TerminateInstances")) as recorder:
        terminate_server(server)
    # A volume of a person outlives its server, whose system writes what it holds.
    assert [request.get("SkipOsShutdown") for request in recorder.recorded] == [None]
    assert (world.servers(), world.groups()) == ([], [])
    assert world.world.ec2.describe_volumes()["Volumes"] == []
    # EC2 replays the terminated machine for its token: another launch is another request.
    assert world.start(world.plan()).id != server.id


def test_a_group_that_was_left_is_removed_afterwards(world: ServerWorld) -> None:
    server = world.start(world.plan())
    world.world.ec2.terminate_instances(InstanceIds=[server.id])
    world.world.sandbox.advance(5)
    removed = remove_group(OWNER, "ocean", REGION)
    assert removed is not None
    assert world.groups() == []
    assert remove_group(OWNER, "ocean", REGION) is None


def test_a_name_that_is_not_there_says_what_was_meant(world: ServerWorld) -> None:
    world.start(world.plan())
    with pytest.raises(NoSuchServerError, match="Did you mean ocean"):
        find_server("ocaen", OWNER, REGION)
    world.start(world.plan(owner="bob"))
    assert find_server("ocean", "bob", REGION).owner == "bob"
    with pytest.raises(SeveralServersError, match=r"of ada, i-[0-9a-f]+ of bob"):
        find_server("ocean", "carol", REGION)


@pytest.mark.parametrize("is_after", [False, True])
def test_killed_at_each_call_and_typed_again_nothing_is_doubled_or_left(
    world: ServerWorld, is_after: bool
) -> None:
    killed_in = []
    for number in range(1, 20):
        plan = world.plan(f"server-{number}")
        call = killed_during(partial(world.start, plan), number, is_after=is_after)
        if not call:
            break
        killed_in.append(call)
        again = world.start(plan)
        named = [server for server in world.servers() if server.name == plan.name]
        assert [server.id for server in named] == [again.id], killed_in
        assert again.host_key == HOST_KEY
        terminate_server(again)
        assert (world.servers(), world.groups()) == ([], []), killed_in
    assert killed_in == ["CreateSecurityGroup", "RunInstances", "CreateTags"]


def test_an_error_of_the_account_leaves_nothing(world: ServerWorld) -> None:
    quota = RefusedCall("RunInstances", "VcpuLimitExceeded", status=400)
    with world.world.intercepting(quota), pytest.raises(NotebakeError, match="VcpuLimitExceeded"):
        world.start(world.plan())
    assert quota.fired == 1
    assert world.servers() == []


@pytest.mark.parametrize("owner", [[], ["--owner", OWNER]])
def test_terminate_typed_again_leaves_another_person_s_server_of_that_name(
    world: ServerWorld, capsys: pytest.CaptureFixture[str], owner: list[str]
) -> None:
    theirs = world.start(world.plan(owner="bob"))
    world.start(world.plan())
    assert main(["terminate", "ocean", "--owner", OWNER, "--yes"]) == 0

    assert main(["terminate", "ocean", *owner, "--yes"]) == 1

    assert "has no server ocean in us-west-2, but bob has" in capsys.readouterr().err
    assert [server.id for server in world.servers()] == [theirs.id]


def test_an_owner_that_is_named_is_the_owner(
    world: ServerWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world.start(world.plan(owner="bob"))
    for words in (["stop", "ocean"], ["keep", "ocean", "--for", "3h"]):
        assert main([*words, "--owner", OWNER]) == 1
        assert "ada has no server ocean in us-west-2, but bob has" in capsys.readouterr().err
    assert [server.state for server in world.servers()] == ["running"]
    assert main(["stop", "ocean", "--yes"]) == 0, "the only one of that name"


def test_a_region_that_does_not_exist_is_named_with_those_that_do(
    world: ServerWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    assert world.servers() == []
    assert main(["servers", "--region", "us-est-1"]) == 1
    printed = " ".join(capsys.readouterr().err.split())
    assert "us-est-1 is not a known region of AWS. Did you mean us-" in printed
    assert "us-east-1" in printed
    assert "sts get-caller-identity" not in printed
