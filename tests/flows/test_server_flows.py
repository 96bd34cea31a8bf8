"""Servers as Prefect's UI starts, keeps and ends them: states, the artifact, names, refusals."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow
from prefect.exceptions import PrefectHTTPStatusError

from flows.keep_server import keep_server
from flows.list_servers import list_servers
from flows.server_acts import in_words_of_form
from flows.start_server import start_server
from flows.stop_server import stop_server
from flows.terminate_server import terminate_server
from notebake.aws import tags
from notebake.errors import NotebakeError
from notebake.servers.find import find_server
from notebake.servers.server import Server
from notebake.servers.server_disks import disks_of
from tests.cloud_world import REGION
from tests.ec2_actions import PUBLIC_KEY
from tests.flows.ui import artifacts_of, carried_out, logged, now, started_in_ui
from tests.killed_calls import Killed, killed_at
from tests.server_world import HOST_KEY, UBUNTU, ServerWorld, server_world

pytestmark = pytest.mark.usefixtures("prefect_server")
KEY = PUBLIC_KEY.decode()
ROLE = "arn:aws:iam::123456789012:role/notebake-scheduler-servers"
NEW = {"image": UBUNTU, "region": REGION, "public_key": KEY, "name": "ocean", "owner": "ada"}
OPEN = f"notebake open ocean --owner ada --region {REGION}"
"""The worker's usual region is not that of the computer on which it is typed."""
OCEAN = {"name": "ocean", "region": REGION}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ServerWorld]:
    with server_world(tmp_path) as opened:
        yield opened


def done(of: Flow[..., Any], **given: Any) -> Any:
    """Carry a flow out as its form starts it, and return the flow run."""
    flow_run = started_in_ui(of, **given)
    carried_out(flow_run, of)
    return now(flow_run)


def message_of(flow_run: Any) -> str:
    state = now(flow_run).state
    assert state
    return str(state.message)


def refused(of: Flow[..., Any], **given: Any) -> Any:
    """Carry a flow out that fails, and return the flow run."""
    flow_run = started_in_ui(of, **given)
    with pytest.raises(NotebakeError):
        carried_out(flow_run, of)
    return now(flow_run)


def ocean() -> Server:
    return find_server("ocean", "ada", REGION)


def test_a_server_lives_by_its_forms_and_the_artifact_follows(world: ServerWorld) -> None:
    started = done(start_server, **NEW, until="19:00 Asia/Tokyo", scheduler_role=ROLE)

    server = ocean()
    assert (server.state, server.host_key) == ("running", HOST_KEY)
    message = message_of(started)
    assert message.startswith(f"ocean of ada runs at {server.address}, $0.")
    assert " an hour, and up to $0.07 an hour more while it computes (CPU credits), " in message
    assert "stops by itself after 60 minutes without use, and each day at 19:00" in message
    assert message.endswith(f"on your computer type: {OPEN} --key ~/.ssh/id_ed25519")
    assert started.name == "start ocean"
    assert {"server:ocean", "owner:ada"} <= set(started.tags)
    (text,) = artifacts_of(started)
    row = next(line for line in text.splitlines() if line.startswith("| ocean "))
    assert re.fullmatch(
        r"\| ocean \| ada \| running, \d+ s \| not known \| \$0\.\d{3}"
        r" \| idle 60 min; 19:00 Asia/Tokyo \|",
        row,
    )
    assert f"- ocean of ada: {server.id}, t3.large in " in text
    assert "Its console does not say whether it is used" in text
    assert "EventBridge stops it then, too" in text

    kept = done(keep_server, **OCEAN, hours=2.5)
    assert message_of(kept).startswith("ocean of ada stops neither for want of use nor ")
    assert "19:00 Asia/Tokyo; kept until " in artifacts_of(kept)[0]

    stopped = done(stop_server, **OCEAN)
    assert "is stopped: its disks stay" in message_of(stopped)
    assert "| stopped |  | $0.001 |  |" in artifacts_of(stopped)[0]

    assert OPEN in message_of(stopped)

    again = done(start_server, image=UBUNTU, region=REGION, name="ocean", owner="ada")
    assert ocean().id == server.id
    assert message_of(again).endswith(f"on your computer type: {OPEN}")

    dry = done(terminate_server, **OCEAN, owner="ada")
    assert message_of(dry).startswith("Nothing was removed. To remove it, run this again with")
    assert "Lost for good, with all that is on them:" in message_of(dry)
    assert "GiB" in message_of(dry)
    assert ocean().state == "running"

    ended = done(terminate_server, **OCEAN, owner="ada", apply=True)
    assert message_of(ended) == f"ocean of ada ({server.id}) is terminated."
    assert artifacts_of(ended)[0].startswith("# No server in us-west-2")
    assert (world.servers(), world.groups(), world.schedules()) == ([], [], [])


def test_the_list_says_what_the_console_says_of_use(world: ServerWorld) -> None:
    world.start(world.plan())
    world.consoles.said = (
        "[   61.2] notebake-idle[812]: In use\n"
        "[ 4021.9] notebake-idle[990]: Not used since 14:05 UTC (last: typing: pts/0 of ubuntu);"
        " stops at 15:05 UTC: idle\r\n"
    )

    listed = done(list_servers, regions=[REGION])

    assert message_of(listed).startswith("1 server in us-west-2, 1 running: about $0.")
    (text,) = artifacts_of(listed)
    assert "| idle since 14:05 UTC | $0." in text
    assert "Not used since 14:05 UTC (last: typing: pts/0 of ubuntu); stops at 15:05" in text


def test_a_new_server_without_a_key_is_refused_before_anything_is_made(
    world: ServerWorld,
) -> None:
    given = {key: value for key, value in NEW.items() if key != "public_key"}
    flow_run = refused(start_server, **given)

    assert "There is no server ocean of ada" in message_of(flow_run)
    assert "Fill in the field `public_key`" in message_of(flow_run)
    assert "RunInstances" not in world.world.actions()
    assert world.groups() == []
    records = logged(flow_run, until="Fill in the field")
    assert sum("Fill in the field" in text for _, text in records) == 1
    assert not any("Traceback" in text for _, text in records)


def test_what_only_the_flow_can_know_is_refused_at_once(world: ServerWorld) -> None:
    wrong = {
        "until": ("19:00 Mars/Base", "is no time zone"),
        "public_key": ("ssh-ed25519 AAAA", "The public key cannot be read"),
        "image": ("oceann", "There is no image oceann"),
    }
    for field, (value, reason) in wrong.items():
        assert reason in message_of(refused(start_server, **NEW | {field: value}))
    assert "RunInstances" not in world.world.actions()


def test_a_name_that_several_have_asks_for_the_field(world: ServerWorld) -> None:
    world.start(world.plan())
    world.start(world.plan(owner="bob"))

    message = message_of(refused(stop_server, **OCEAN))

    assert " of ada, i-" in message
    assert "Add: the field `owner`" in message
    assert "run the deployment `servers`" in message
    assert "--owner" not in message
    assert done(stop_server, **OCEAN, owner="bob").state.is_completed()
    assert ocean().state == "running"


def test_an_owner_that_is_left_empty_is_the_worker_s_person(world: ServerWorld) -> None:
    done(start_server, **NEW | {"owner": ""})

    (server,) = world.servers()
    assert server.owner
    assert done(stop_server, **OCEAN).state.is_completed()


@pytest.mark.parametrize("number", [1, 2, 3])
def test_retry_after_a_kill_goes_on_with_the_same_machine(world: ServerWorld, number: int) -> None:
    flow_run = started_in_ui(start_server, **NEW, scheduler_role=ROLE)
    with killed_at(number, is_after=True, services=("ec2", "scheduler")), pytest.raises(Killed):
        start_server.fn(**flow_run.parameters)

    carried_out(flow_run, start_server)

    (server,) = world.servers()
    assert f"runs at {server.address}" in message_of(flow_run)
    assert len(world.world.sandbox.calls("RunInstances")) == 1
    assert len(world.schedules()) == 1


def test_a_failed_start_shows_the_servers_all_the_same(world: ServerWorld) -> None:
    full = world.world.sandbox.fail(
        "refuse", action="RunInstances", code="InsufficientInstanceCapacity"
    )

    flow_run = refused(start_server, **NEW)

    assert world.world.sandbox.fired(full) >= 1
    assert "with another type: the field `instance_type`" in message_of(flow_run)
    assert "if there is one already: press Retry" in message_of(flow_run)
    assert artifacts_of(flow_run)[0].startswith("# No server in us-west-2")


def test_a_stopped_server_says_that_its_address_costs(world: ServerWorld) -> None:
    world.start(world.plan(has_elastic_address=True))
    stopped = done(stop_server, **OCEAN, owner="ada")
    assert "its disks and its elastic address stay, and cost" in message_of(stopped)


def test_a_group_that_was_left_is_removed_by_another_try(world: ServerWorld) -> None:
    server = world.start(world.plan())
    world.world.ec2.terminate_instances(InstanceIds=[server.id])
    world.world.sandbox.advance(5)
    assert "There is no server" in message_of(refused(terminate_server, **OCEAN, owner="ada"))

    ended = done(terminate_server, **OCEAN, owner="ada", apply=True)

    assert "was gone already" in message_of(ended)
    assert world.groups() == []


def test_a_termination_that_is_retried_leaves_another_person_s_server(world: ServerWorld) -> None:
    theirs = world.start(world.plan(owner="bob"))
    world.start(world.plan())
    done(terminate_server, **OCEAN, owner="ada", apply=True)

    for owner in ("ada", ""):
        message = message_of(refused(terminate_server, **OCEAN, owner=owner, apply=True))
        assert "has no server ocean in us-west-2, but bob has" in message
        assert "If that one is meant: the field `owner`" in message

    assert [server.id for server in world.servers()] == [theirs.id]


@pytest.mark.parametrize(
    ("of", "wrong", "named"),
    [
        (start_server, {"name": "Ocean!"}, "Ocean!"),
        (start_server, {"owner": "a b"}, "a b"),
        (start_server, {"region": "Oregon"}, "Oregon"),
        (start_server, {"image": ""}, "image"),
        (start_server, {"public_key": "-----BEGIN OPENSSH PRIVATE KEY-----"}, "public_key"),
        (start_server, {"public_key": f"{KEY}\nssh-rsa AAAA"}, "public_key"),
        (start_server, {"instance_type": "huge"}, "huge"),
        (start_server, {"idle": "an hour"}, "an hour"),
        (start_server, {"until": "19:00"}, "19:00"),
        (start_server, {"scheduler_role": "admin"}, "admin"),
        (start_server, {"profile": "a/b"}, "a/b"),
        (start_server, {"disks": ["work"]}, "work"),
        (start_server, {"disks": ["work:10:home"]}, "work:10:home"),
        (start_server, {"volumes": ["My data:5"]}, "My data:5"),
        (start_server, {"elastic_address": "perhaps"}, "perhaps"),
        (keep_server, {**OCEAN, "hours": 0}, "0"),
        (keep_server, {**OCEAN, "hours": 169}, "169"),
        (keep_server, {"name": "", "region": REGION}, "name"),
        (stop_server, {"name": "-", "region": REGION}, "-"),
        (terminate_server, {**OCEAN, "apply": "perhaps"}, "perhaps"),
        (list_servers, {"regions": []}, "[]"),
    ],
)
def test_a_wrong_value_is_refused_by_the_form(
    of: Flow[..., Any], wrong: dict[str, Any], named: str
) -> None:
    given = (NEW | wrong) if of is start_server else wrong
    with pytest.raises(PrefectHTTPStatusError) as caught:
        started_in_ui(of, **given)

    assert caught.value.response.status_code == 409
    assert named in caught.value.response.text


def test_a_form_gives_disks_volumes_and_an_address(world: ServerWorld) -> None:
    extras = {"disks": ["work:10"], "volumes": ["data:50:/data"], "elastic_address": True}
    started = done(start_server, **NEW, **extras)

    assert ocean().has_elastic_address
    assert {disk.name: disk.mount for disk in disks_of(ocean())} == {
        "data": "/data",
        "work": "/home/ubuntu/work",
    }
    assert sorted(v["Size"] for v in world.world.ec2.describe_volumes()["Volumes"]) == [8, 10, 50]
    assert logged(started, until="data: new, 50 GiB, $4.00 a month")
    assert logged(started, until="elastic, the same at each start")

    again = done(start_server, **{**NEW, **extras, "disks": [], "volumes": ["data"]})
    assert len(world.servers()) == 1
    assert len(world.world.ec2.describe_addresses()["Addresses"]) == 1
    assert message_of(again).startswith("ocean of ada runs at")
    assert "the field `volumes`" in message_of(refused(start_server, **NEW, volumes=["other"]))


def test_options_are_named_as_fields() -> None:
    assert in_words_of_form("Add: --owner NAME") == "Add: the field `owner`"
    assert in_words_of_form("Another region: --region") == "Another region: the field `region`"
    assert in_words_of_form("as 'ocean*'. Type: ssh-keygen -t ed25519") == (
        "as 'ocean*'. Type: ssh-keygen -t ed25519"
    )


def test_the_form_keeps_what_a_server_has(world: ServerWorld) -> None:
    done(start_server, **NEW, idle="3h", until="19:00 UTC")
    done(start_server, image=UBUNTU, region=REGION, name="ocean", owner="ada")
    assert (ocean().idle_minutes, ocean().daily_end) == (180, "19:00 UTC")
    done(start_server, image=UBUNTU, region=REGION, name="ocean", owner="ada", until="20:00 UTC")
    assert (ocean().idle_minutes, ocean().daily_end) == (180, "20:00 UTC")
    assert tags.DAILY_END_SET in ocean().tags
    assert len(world.servers()) == 1
