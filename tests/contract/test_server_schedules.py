"""The ends of a server that stand outside of it: schedules that nobody on the machine can disable.

The hosts here never stop by themselves, as one whose timer somebody has disabled.
"""

import datetime
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from flows.cli.main import main
from notebake import clock
from notebake.aws import server_calls, tags
from notebake.aws.clients import connect
from notebake.aws.names import name_of_server_schedule
from notebake.errors import CloudError
from notebake.machines.idle.settings import Limits, parse_tags
from notebake.servers.ends import Wishes
from notebake.servers.find import find_server
from notebake.servers.keep import keep_server
from notebake.servers.launch_plan import LaunchPlan
from notebake.servers.listed_server import list_all
from notebake.servers.power import stop_server
from notebake.servers.server import Server
from notebake.servers.termination import remove_parts, terminate_server
from tests.cloud_world import REGION, RefusedCall
from tests.killed_calls import killed_during
from tests.preflight_world import denies
from tests.server_world import OWNER, UBUNTU, ServerWorld, server_world

DEPLOYMENTS = Path(__file__).parents[2] / "deployments"
ROLE = "arn:aws:iam::123456789012:role/notebake-scheduler-servers"
ZONE = ZoneInfo("America/Los_Angeles")
HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ServerWorld]:
    with server_world(tmp_path) as opened:
        yield opened


def in_hours(hours: float) -> str:
    """Return the local time of day so many hours from now, as a tag has a daily end."""
    local = datetime.datetime.fromtimestamp(clock.now(), ZONE) + datetime.timedelta(hours=hours)
    return f"{local:%H:%M} {ZONE}"


def daily(world: ServerWorld, hours: float, name: str = "ocean") -> LaunchPlan:
    """Plan a server with an end in so many hours, each day."""
    marks = {tags.IDLE: "60", tags.DAILY_END: in_hours(hours), tags.SCHEDULER_ROLE: ROLE}
    return world.plan(name, tags=marks)


def now(name: str = "ocean") -> Server:
    return find_server(name, OWNER, REGION)


def is_outside(name: str = "ocean") -> bool | None:
    """Return what `servers` shows."""
    (found,) = [each for each in list_all([REGION]).servers if each.server.name == name]
    return found.ends_outside


def test_a_daily_end_comes_each_day_whatever_the_machine_does(world: ServerWorld) -> None:
    plan = daily(world, 3)
    server = world.start(plan)
    assert is_outside()
    for _ in range(2):
        world.advance(2.9 * HOUR)
        assert now().state == "running"
        world.advance(0.2 * HOUR)
        assert now().state in ("stopping", "stopped")
        world.advance(DAY - 3.1 * HOUR)
        assert world.start(plan).id == server.id
    assert len(world.schedules()) == 1


def test_a_hold_beyond_the_daily_end_stands_outside_too(world: ServerWorld) -> None:
    world.start(daily(world, 3))
    world.advance(2 * HOUR)

    keep_server(now(), 180)

    assert is_outside()
    world.advance(2.9 * HOUR)
    assert now().state == "running", "the daily end was put off"
    world.advance(0.2 * HOUR)
    assert now().state in ("stopping", "stopped"), "it comes when the hold ends"
    world.advance(HOUR)
    world.start(daily(world, 3))
    world.advance(20.8 * HOUR)
    assert now().state == "running"
    world.advance(0.3 * HOUR)
    assert now().state in ("stopping", "stopped"), "the next one comes as ever"


def test_a_hold_that_is_prolonged_while_it_puts_off_the_daily_end_does_so_on(
    world: ServerWorld,
) -> None:
    world.start(daily(world, 3))
    keep_server(now(), 240)
    world.advance(3.5 * HOUR)
    keep_server(now(), 240)
    world.advance(3.9 * HOUR)
    assert now().state == "running"
    world.advance(0.2 * HOUR)
    assert now().state in ("stopping", "stopped")


def test_a_hold_that_ends_before_moves_nothing(world: ServerWorld) -> None:
    world.start(daily(world, 3))
    keep_server(now(), 60)
    assert is_outside()
    world.advance(3.1 * HOUR)
    assert now().state in ("stopping", "stopped")


def test_a_short_hold_makes_no_hard_end_of_one_that_an_earlier_start_had(
    world: ServerWorld,
) -> None:
    server = world.start(daily(world, 8))
    earlier = tags.as_tag(server.started_at - datetime.timedelta(days=1))
    server_calls.tag_server(server.id, {tags.HARD_END: earlier}, REGION)
    keep_server(now(), 60)
    assert now().tags[tags.HARD_END] == earlier
    world.advance(2 * HOUR)
    assert now().state == "running"
    assert is_outside()


def test_the_hard_end_stands_outside_and_moves_with_each_start_and_longer_hold(
    world: ServerWorld,
) -> None:
    plan = world.plan(tags={tags.IDLE: "60", tags.SCHEDULER_ROLE: ROLE})
    world.start(plan)
    world.advance(23 * HOUR)
    assert (now().state, is_outside()) == ("running", True)
    keep_server(now(), 180)
    world.advance(2.9 * HOUR)
    assert now().state == "running"
    world.advance(0.2 * HOUR)
    assert now().state in ("stopping", "stopped")
    assert world.schedules() == [], "a single one goes when it has run"
    world.advance(HOUR)
    world.start(plan)
    assert is_outside()
    world.advance(DAY + HOUR)
    assert now().state in ("stopping", "stopped")


def test_another_daily_end_replaces_the_one_before(world: ServerWorld) -> None:
    plan = daily(world, 3)
    server = world.start(plan)
    later = {tags.DAILY_END: in_hours(5)}
    assert world.start(plan.model_copy(update={"changes": later})).id == server.id
    assert (now().daily_end, is_outside()) == (later[tags.DAILY_END], True)
    assert len(world.schedules()) == 1
    world.advance(4.9 * HOUR)
    assert now().state == "running"
    world.advance(0.2 * HOUR)
    assert now().state in ("stopping", "stopped")


def test_a_daily_end_is_taken_from_tags_machine_and_schedules(world: ServerWorld) -> None:
    plan = daily(world, 3)
    server = world.start(plan)
    keep_server(now(), 40 * 60)
    world.advance(30 * HOUR)
    world.start(plan.model_copy(update={"changes": Wishes(daily_end="").tags()}))

    settings, wrong = parse_tags(now().tags, Limits())
    assert (settings.daily_end, wrong) == (None, [])
    assert settings.hard_end
    assert settings.hard_end == pytest.approx(clock.now() + DAY, abs=60), "not a day after its boot"
    assert server.id == now().id
    assert len(world.schedules()) == 1
    assert is_outside()
    world.advance(23.9 * HOUR)
    assert now().state == "running", "the daily end would have come"
    world.advance(0.2 * HOUR)
    assert now().state in ("stopping", "stopped")


def test_a_daily_end_that_is_moved_before_now_puts_nothing_off(world: ServerWorld) -> None:
    """The machine does the same: what was not yet asked for when it came is no daily end."""
    plan = daily(world, 5)
    world.start(plan)
    world.advance(2 * HOUR)
    keep_server(now(), 60)
    world.start(plan.model_copy(update={"changes": {tags.DAILY_END: in_hours(-1)}}))
    world.advance(4 * HOUR)
    assert now().state == "running", "not at the end of the hold"


def test_without_a_role_nobody_asks_the_scheduler(world: ServerWorld) -> None:
    server = world.start(world.plan())
    keep_server(server, 60)
    assert is_outside() is False
    stop_server(server)
    terminate_server(now())
    assert [call for call in world.world.actions() if "/schedules" in call] == []


def test_a_role_is_given_and_taken_away_while_the_server_runs(world: ServerWorld) -> None:
    plan = world.plan()
    world.start(plan)
    world.start(plan.model_copy(update={"changes": {tags.SCHEDULER_ROLE: ROLE}}))
    assert (is_outside(), len(world.schedules())) == (True, 1)
    world.start(plan.model_copy(update={"changes": {tags.SCHEDULER_ROLE: ""}}))
    assert (is_outside(), world.schedules()) == (False, [])


def test_the_list_says_if_an_end_does_not_stand_and_the_start_mends_it(
    world: ServerWorld,
) -> None:
    plan = daily(world, 3)
    world.start(plan)
    scheduler = connect("scheduler", REGION)
    (name,) = world.schedules()
    found = scheduler.get_schedule(Name=name)
    kept = {key: found[key] for key in ("Name", "FlexibleTimeWindow", "Target")}
    scheduler.update_schedule(**kept, ScheduleExpression="cron(0 1 * * ? *)")
    assert is_outside() is False
    scheduler.delete_schedule(Name=name)
    assert is_outside() is False
    world.start(plan)
    assert is_outside() is True
    refused = RefusedCall(f"GET /schedules/{name}", "AccessDeniedException", status=403)
    with world.world.intercepting(refused):
        assert is_outside() is None
    assert refused.fired == 1


def test_a_refused_schedule_refuses_the_start_of_a_stopped_server_and_the_hold(
    world: ServerWorld,
) -> None:
    plan = daily(world, 3)
    server = world.start(plan)
    refused = RefusedCall(
        f"PUT /schedules/{world.schedules()[0]}", "AccessDeniedException", status=403
    )
    with world.world.intercepting(refused), pytest.raises(CloudError, match="AccessDenied"):
        keep_server(server, 600)
    assert (refused.fired, now().keep_until) == (1, None)
    stop_server(server)
    deny = RefusedCall(
        f"POST /schedules/{world.schedules()[0]}", "AccessDeniedException", status=403
    )
    with world.world.intercepting(deny), pytest.raises(CloudError, match="AccessDenied"):
        world.start(plan)
    assert (deny.fired, now().state) == (1, "stopped")


def test_a_refused_schedule_of_a_new_server_says_that_it_runs(world: ServerWorld) -> None:
    plan = daily(world, 3)
    name = name_of_server_schedule(OWNER, "ocean", "daily")
    refused = RefusedCall(f"POST /schedules/{name}", "AccessDeniedException", status=403)
    with world.world.intercepting(refused), pytest.raises(CloudError, match="AccessDenied") as no:
        world.start(plan)
    assert refused.fired == 1
    assert len(world.servers()) == 1
    assert "ocean is started, and stops by itself after 60 minutes without use" in no.value.hint
    assert world.start(plan).id == world.servers()[0].id
    assert is_outside()


def test_a_refused_end_of_the_server_leaves_its_schedules(world: ServerWorld) -> None:
    server = world.start(daily(world, 3))
    refused = RefusedCall("TerminateInstances", "OperationNotPermitted", status=400)
    with world.world.intercepting(refused), pytest.raises(CloudError, match="OperationNot"):
        terminate_server(server)
    assert (refused.fired, is_outside()) == (1, True)
    terminate_server(server)
    assert (world.servers(), world.groups(), world.schedules()) == ([], [], [])


def test_the_commands_say_what_stands_outside(
    world: ServerWorld,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path / "home"))
    typed = ["start", UBUNTU, "--name", "ocean", "--owner", OWNER, "--yes"]

    assert main([*typed, "--until", in_hours(3), "--scheduler-role", ROLE]) == 0
    assert "EventBridge stops it then, too" in capsys.readouterr().out
    assert main(["servers"]) == 0
    assert "EventBridge stops it then, too" in capsys.readouterr().out
    assert main([*typed, "--until", in_hours(5), "--idle", "3h"]) == 0
    assert f"From now on it stops after 180 minutes without use, and each day at {in_hours(5)}" in (
        capsys.readouterr().out
    )
    assert (now().idle_minutes, is_outside()) == (180, True)
    assert main(["servers", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["servers"]
    assert (row["ends_outside"], row["use"]) == (True, None)
    assert main([*typed, "--scheduler-role", "none", "--instance-profile", "reader"]) == 0
    assert "a role is given at the launch only" in capsys.readouterr().out
    assert (world.schedules(), now().scheduler_role) == ([], "")
    assert main([*typed, "--scheduler-role", "admin"]) == 1
    assert "is not the ARN of a role" in capsys.readouterr().err


def test_the_role_of_schedules_may_stop_servers_and_do_nothing_else() -> None:
    path = DEPLOYMENTS / "server-scheduler-role.json"
    role = json.loads(path.read_text(encoding="utf-8"))
    (trust,) = role["TrustPolicy"]["Statement"]
    (may,) = role["Policy"]["Statement"]

    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert may["Action"] == "ec2:StopInstances"
    assert may["Condition"] == {"Null": {f"aws:ResourceTag/{tags.SERVER}": "false"}}


@pytest.mark.parametrize("is_allowed", [True, False])
def test_the_schedules_of_a_server_that_ended_elsewhere_go_with_what_is_left(
    world: ServerWorld, caplog: pytest.LogCaptureFixture, *, is_allowed: bool
) -> None:
    server = world.start(daily(world, 3))
    left = world.schedules()
    assert left
    world.world.ec2.terminate_instances(InstanceIds=[server.id])
    world.advance(60)
    action = "none" if is_allowed else f"DELETE /schedules/{left[0]}"

    with world.world.intercepting(denies(action)):
        removed = remove_parts(OWNER, "ocean", REGION)

    assert world.groups() == []
    assert [name for name in removed if name in left] == (left if is_allowed else [])
    assert world.schedules() == ([] if is_allowed else left)
    assert (left[0] in caplog.text and "scheduler:DeleteSchedule" in caplog.text) != is_allowed
    assert remove_parts(OWNER, "ocean", REGION) == ([] if is_allowed else left)


def restart(world: ServerWorld, plan: LaunchPlan) -> None:
    if now(plan.name).state == "running":
        stop_server(now(plan.name))
    world.start(plan)


def change(world: ServerWorld, plan: LaunchPlan) -> None:
    later = {tags.DAILY_END: in_hours(5)}
    world.start(plan.model_copy(update={"changes": later}))


def end(world: ServerWorld, plan: LaunchPlan) -> None:
    for server in world.servers():
        terminate_server(server)
    remove_parts(plan.owner, plan.name, plan.region)
    assert world.groups() == []


ACTS: dict[str, Callable[[ServerWorld, LaunchPlan], object]] = {
    "start": lambda world, plan: world.start(plan),
    "restart": restart,
    "keep": lambda _, plan: keep_server(now(plan.name), 300),
    "change": change,
    "terminate": end,
}


@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize("act", ACTS)
def test_killed_at_each_call_and_typed_again_the_ends_stand_once_and_go_with_the_server(
    world: ServerWorld, act: str, is_after: bool
) -> None:
    killed_in = []
    for number in range(1, 20):
        plan = daily(world, 3, f"server-{number}")
        if act != "start":
            world.start(plan)
        acting = partial(ACTS[act], world, plan)
        call = killed_during(acting, number, is_after=is_after, services=("ec2", "scheduler"))
        if not call:
            break
        killed_in.append(call)
        ACTS[act](world, plan)
        if act != "terminate":
            assert is_outside(plan.name), killed_in
            assert len(world.servers()) == 1
            end(world, plan)
        assert (world.servers(), world.groups(), world.schedules()) == ([], [], []), killed_in
    assert len(killed_in) >= 3
    assert {"CreateSchedule", "DeleteSchedule", "UpdateSchedule"} & set(killed_in), killed_in
