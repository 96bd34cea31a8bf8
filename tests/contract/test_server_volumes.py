"""Volumes that outlive servers: one of a name, mounted by id, moved when free, never forgotten."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from notebake.aws import server_volume_calls, tags
from notebake.commands.volumes import device_link
from notebake.errors import NotebakeError
from notebake.servers import admission, keys, mounting
from notebake.servers import start as starting
from notebake.servers.find import find_server
from notebake.servers.kept_volume import KeptVolume, list_kept
from notebake.servers.launch_plan import LaunchPlan
from notebake.servers.losses import losses_of
from notebake.servers.power import start_server, stop_server
from notebake.servers.server import Server
from notebake.servers.server_disks import ServerDisk, disks_of, disks_of_launch, tag_of_disks
from notebake.servers.termination import terminate_server
from notebake.servers.volumes import remove_volume
from notebake.servers.wanted_volume import WantedVolume, check_names, read_volume
from notebake.ssh.host import Host
from tests.cloud_world import REGION, RefusedCall
from tests.killed_calls import Killed, killed_at, killed_during
from tests.server_world import OWNER, ServerWorld, server_named, server_world

DATA = WantedVolume(name="data", size_gib=5)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ServerWorld]:
    with server_world(tmp_path) as opened:
        yield opened


@pytest.fixture(autouse=True)
def typed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Host, str]]:
    """Give what is typed on hosts; those of this cloud are in memory only, and take all of it."""
    commands: list[tuple[Host, str]] = []

    def run_on(host: Host, command: str, **_: float) -> str:
        commands.append((host, command))
        return "mounted"

    monkeypatch.setattr(mounting, "run_on", run_on)
    monkeypatch.setattr(admission, "own_address", lambda _server: "198.51.100.1")
    return commands


def plan(world: ServerWorld, name: str = "ocean", *volumes: WantedVolume) -> LaunchPlan:
    owner = OWNER
    keys.ensure_key(server_named(owner, name))
    return world.plan(name, volumes=volumes or (DATA,))


def only(world: ServerWorld) -> KeptVolume:
    del world
    (volume,) = list_kept(REGION)
    return volume


def test_a_volume_is_made_beside_its_server_and_mounted_by_its_id(
    world: ServerWorld, typed: list[tuple[Host, str]]
) -> None:
    server = world.start(plan(world))
    volume = only(world)
    assert (volume.name, volume.owner, volume.size_gib) == ("data", OWNER, 5)
    assert (volume.zone, volume.instance_id) == (server.zone, server.id)
    assert volume.mount == "/home/ubuntu/data"
    ((host, command),) = typed
    assert (host.instance_id, host.address) == (server.id, server.address)
    assert device_link(volume.id) in command
    assert "target=/home/ubuntu/data" in command
    shown = find_server("ocean", OWNER, REGION)
    device = next(device for device, each in shown.volume_ids.items() if each == volume.id)
    assert disks_of(shown) == [ServerDisk(name="data", device=device, mount=volume.mount)]


def test_typed_again_nothing_is_doubled_and_it_is_mounted_again(
    world: ServerWorld, typed: list[tuple[Host, str]]
) -> None:
    first = world.start(plan(world))
    again = world.start(plan(world))
    without = world.start(world.plan(volumes=()))
    assert first.id == again.id == without.id
    assert len(list_kept(REGION)) == 1
    assert len(typed) == 3, "each start mounts what the server's tag names"
    assert len(world.world.sandbox.calls("AttachVolume")) == 1


def test_two_computers_at_the_same_moment_make_one_volume(world: ServerWorld) -> None:
    plans = [plan(world), plan(world)]
    with ThreadPoolExecutor(2) as pool:
        started = list(pool.map(world.start, plans))
    assert started[0].id == started[1].id
    assert only(world).instance_id == started[0].id
    (disk,) = disks_of(find_server("ocean", OWNER, REGION))
    assert started[0].volume_ids[disk.device] == only(world).id


def test_it_outlives_its_server_and_the_next_one_starts_beside_it(world: ServerWorld) -> None:
    full = world.world.sandbox.fail(
        "refuse",
        action="RunInstances",
        code="InsufficientInstanceCapacity",
        where={"zone": "us-west-2a"},
        times=1,
    )
    first = world.start(plan(world))
    assert world.world.sandbox.fired(full) == 1
    assert first.zone != "us-west-2a"
    volume = only(world)
    losses = losses_of(find_server("ocean", OWNER, REGION), OWNER)
    assert [disk.id for disk in losses.kept] == [volume.id]
    assert [disk.name for disk in losses.kept] == ["data"]
    assert volume.id not in [disk.id for disk in losses.gone]
    terminate_server(first)

    assert only(world).instance_id == ""
    second = world.start(plan(world, "river", WantedVolume(name="data")))
    assert (only(world).id, only(world).instance_id) == (volume.id, second.id)
    assert second.zone == first.zone


def test_while_its_server_is_being_terminated_the_next_one_is_told_to_try_again(
    world: ServerWorld,
) -> None:
    first = world.start(plan(world))
    with world.world.sandbox.machines.held():
        world.world.ec2.terminate_instances(InstanceIds=[first.id])
        assert only(world).instance_id == first.id, "it is attached until that one is gone"
        with pytest.raises(NotebakeError, match="which is being terminated") as refused:
            world.start(plan(world, "river"))
    assert refused.value.hint == "Try again in a minute."
    world.advance(60)
    assert world.start(plan(world, "river")).zone == first.zone


def test_it_is_taken_from_a_stopped_server_and_from_no_running_one(world: ServerWorld) -> None:
    first = world.start(plan(world))
    with pytest.raises(NotebakeError, match="in use by the server ocean, which is running") as no:
        world.start(plan(world, "river"))
    assert no.value.next_commands[0].words == ("stop", "ocean", "--owner", OWNER)
    assert [server.name for server in world.servers()] == ["ocean"], "nothing was started"

    stop_server(first)
    second = world.start(plan(world, "river"))
    assert only(world).instance_id == second.id
    assert world.world.sandbox.calls("DetachVolume")
    again = world.start(world.plan())
    assert again.id == first.id, "the first starts without it"


def test_it_is_not_taken_from_a_server_that_was_started_meanwhile(
    world: ServerWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = world.start(plan(world))
    stop_server(first)
    ensure_host_key = starting.ensure_host_key

    def while_somebody_starts_the_first(server: Server) -> Server:
        start_server(find_server("ocean", OWNER, REGION))
        return ensure_host_key(server)

    monkeypatch.setattr(starting, "ensure_host_key", while_somebody_starts_the_first)

    with pytest.raises(NotebakeError, match="in use by the server ocean, which is running") as no:
        world.start(plan(world, "river"))

    assert no.value.next_commands[0].words[0] == "stop"
    assert only(world).instance_id == first.id
    assert world.world.sandbox.calls("DetachVolume") == []


def test_somebody_elses_machine_keeps_it(world: ServerWorld) -> None:
    server = world.start(plan(world))
    volume = only(world)
    stop_server(server)
    world.world.ec2.delete_tags(Resources=[server.id], Tags=[{"Key": tags.SERVER}])
    with pytest.raises(NotebakeError, match="no server of notebake's"):
        world.start(plan(world, "river"))
    assert only(world) == volume


def test_no_volume_leaves_its_zone(world: ServerWorld) -> None:
    for zone, name in (("us-west-2b", "data"), ("us-west-2a", "more")):
        marks = {tags.SERVER_VOLUME: name, tags.OWNER: OWNER, tags.MOUNT: f"/{name}"}
        server_volume_calls.create_volume(REGION, zone=zone, size_gib=1, token=name, marks=marks)
    with pytest.raises(NotebakeError, match="one zone, and so is each volume"):
        world.start(plan(world, "ocean", DATA, WantedVolume(name="more")))
    assert world.servers() == []
    started = world.start(plan(world, "ocean", WantedVolume(name="more")))
    assert started.zone == "us-west-2a"
    with pytest.raises(NotebakeError, match="is in us-west-2a, but data in us-west-2b"):
        world.start(plan(world))
    assert {volume.instance_id for volume in list_kept(REGION)} == {"", started.id}


def test_one_that_is_not_there_needs_a_size(world: ServerWorld) -> None:
    with pytest.raises(NotebakeError, match="has no volume data") as no:
        world.start(plan(world, "ocean", WantedVolume(name="data")))
    assert "--volume data:50" in no.value.hint
    assert world.servers() == []


def test_two_of_one_name_are_told_apart_by_id(world: ServerWorld) -> None:
    for zone in ("us-west-2a", "us-west-2b"):
        marks = {tags.SERVER_VOLUME: "data", tags.OWNER: OWNER, tags.MOUNT: "/data"}
        server_volume_calls.create_volume(REGION, zone=zone, size_gib=1, token=zone, marks=marks)
    with pytest.raises(NotebakeError, match="several volumes data") as no:
        world.start(plan(world))
    assert no.value.next_commands[0].words[:2] == ("terminate", "--volume")
    first = list_kept(REGION)[0]
    started = world.start(plan(world, "ocean", WantedVolume.model_construct(name=first.id)))
    assert started.zone == first.zone


def test_a_volume_of_the_same_name_can_be_made_again(world: ServerWorld) -> None:
    server = world.start(plan(world))
    first = only(world)
    with pytest.raises(NotebakeError, match="in use by the server ocean"):
        remove_volume(first)
    stop_server(server)
    remove_volume(only(world))
    assert list_kept(REGION) == []
    world.start(plan(world))
    assert only(world).id != first.id


@pytest.mark.parametrize("is_after", [False, True])
def test_killed_at_each_call_and_typed_again_nothing_is_doubled_or_left(
    world: ServerWorld, is_after: bool
) -> None:
    killed_in = []
    for number in range(1, 20):
        asked = plan(world, f"server-{number}", WantedVolume(name=f"data-{number}", size_gib=1))
        call = killed_during(partial(world.start, asked), number, is_after=is_after)
        if not call:
            break
        killed_in.append(call)
        again = world.start(asked)
        volume = only(world)
        assert (volume.instance_id, again.name) == (again.id, asked.name), killed_in
        assert [disk.name for disk in disks_of(find_server(again.id, OWNER, REGION))] == [
            volume.name
        ]
        terminate_server(again)
        remove_volume(only(world))
        assert (world.servers(), world.groups(), list_kept(REGION)) == ([], [], []), killed_in
    assert killed_in == [
        *("CreateSecurityGroup", "RunInstances", "CreateTags"),
        *("CreateVolume", "AttachVolume", "CreateTags", "AuthorizeSecurityGroupIngress"),
    ]


@pytest.mark.parametrize("is_after", [False, True])
def test_a_move_that_is_killed_goes_on(world: ServerWorld, is_after: bool) -> None:
    first = world.start(plan(world))
    stop_server(first)
    world.start(world.plan("river", volumes=()))
    with killed_at(1, is_after=is_after) as sent, pytest.raises(Killed):
        world.start(plan(world, "river"))
    assert sent == ["DetachVolume"]
    second = world.start(plan(world, "river"))
    assert only(world).instance_id == second.id


def test_a_refused_volume_leaves_a_server_that_the_same_command_completes(
    world: ServerWorld,
) -> None:
    quota = RefusedCall("CreateVolume", "VolumeLimitExceeded", status=400)
    with world.world.intercepting(quota), pytest.raises(NotebakeError, match="VolumeLimitExceed"):
        world.start(plan(world))
    assert quota.fired == 1
    started = world.start(plan(world))
    assert only(world).instance_id == started.id


def test_a_disk_of_the_launch_ends_with_its_server(
    world: ServerWorld, typed: list[tuple[Host, str]]
) -> None:
    asked = world.plan(volumes=())
    disks, mapping = disks_of_launch([WantedVolume(name="work", size_gib=2)], [], "ubuntu")
    keys.ensure_key(server_named(OWNER, "ocean"))
    changes: dict[str, Any] = {"disks": tuple(mapping), "tags": asked.tags | tag_of_disks(disks)}
    server = world.start(asked.model_copy(update=changes))
    assert len(typed) == 1
    assert device_link(server.volume_ids[disks[0].device]) in typed[0][1]
    losses = losses_of(find_server("ocean", OWNER, REGION), OWNER)
    assert [(disk.name, disk.size_gib) for disk in losses.gone if disk.name == "work"] == [
        ("work", 2)
    ]
    terminate_server(server)
    assert world.world.ec2.describe_volumes()["Volumes"] == []

    world.start(asked.model_copy(update={"name": "river"}))
    with pytest.raises(NotebakeError, match="without a disk work"):
        world.start(asked.model_copy(update={"name": "river", **changes}))


def test_a_volume_is_refused_beside_a_disk_of_its_name_or_place(world: ServerWorld) -> None:
    asked = world.plan(volumes=())
    disks, mapping = disks_of_launch([WantedVolume(name="work", size_gib=2)], [], "ubuntu")
    keys.ensure_key(server_named(OWNER, "ocean"))
    changes: dict[str, Any] = {"disks": tuple(mapping), "tags": asked.tags | tag_of_disks(disks)}
    server = world.start(asked.model_copy(update=changes))
    for wanted in (
        WantedVolume(name="work", size_gib=5),
        WantedVolume(name="data", size_gib=5, mount="/home/ubuntu/work"),
    ):
        with pytest.raises(NotebakeError, match="has another disk, work on /home/ubuntu/work"):
            world.start(asked.model_copy(update={"volumes": (wanted,)}))
    assert list_kept(REGION) == []
    assert find_server("ocean", OWNER, REGION).tags == server.tags

    new = asked.model_copy(update={"name": "river", "volumes": (WantedVolume(name="work"),)})
    marks = {tags.SERVER_VOLUME: "work", tags.OWNER: OWNER, tags.MOUNT: "/work"}
    zone = server.zone
    server_volume_calls.create_volume(REGION, zone=zone, size_gib=1, token=zone, marks=marks)
    with pytest.raises(NotebakeError, match="has another disk, work on"):
        world.start(new.model_copy(update=changes))
    assert [each.name for each in world.servers()] == ["ocean"]


def test_more_volumes_than_their_tag_holds_are_refused_before_any_is_made(
    world: ServerWorld,
) -> None:
    many = [
        WantedVolume(name=f"{letter * 30}", size_gib=1, mount=f"/{letter * 60}") for letter in "abc"
    ]
    with pytest.raises(NotebakeError, match="a tag holds 256"):
        world.start(plan(world, "ocean", *many))
    assert (world.servers(), list_kept(REGION)) == ([], [])


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("data", WantedVolume(name="data")),
        ("data:50", WantedVolume(name="data", size_gib=50)),
        ("data:50:/data", WantedVolume(name="data", size_gib=50, mount="/data")),
        ("data::/data", WantedVolume(name="data", mount="/data")),
    ],
)
def test_what_is_typed_is_read(text: str, read: WantedVolume) -> None:
    assert read_volume(text) == read


@pytest.mark.parametrize(
    "text",
    [
        *("", ":50", "Data:5", "data:x", "data:0", "data:99999"),
        *("data:5:here", "data:5:/etc/x", "data:5:/a b", "data:5:/a@b"),
    ],
)
def test_what_is_no_volume_is_refused(text: str) -> None:
    with pytest.raises(NotebakeError):
        read_volume(text)


def test_two_disks_have_nothing_in_common_and_fit_into_a_tag() -> None:
    with pytest.raises(NotebakeError, match="the name data"):
        check_names([DATA, DATA])
    with pytest.raises(NotebakeError, match="the mount /x"):
        check_names([WantedVolume(name=name, mount="/x") for name in ("a", "b")])
    many = [
        ServerDisk(name="d" * 32, device=f"/dev/sd{n}", mount="/mnt/" + "x" * 60) for n in "fgh"
    ]
    with pytest.raises(NotebakeError, match="a tag holds 256"):
        tag_of_disks(many)


def test_a_server_that_came_first_in_another_zone_is_named_before_a_volume_is_touched(
    world: ServerWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminate_server(world.start(plan(world)))
    volume = only(world)
    elsewhere = [each for each in world.plan().subnets if each["AvailabilityZone"] != volume.zone][
        :1
    ]
    launch = starting.launch_new

    def launch_after_another(mine: LaunchPlan, vpc_id: str) -> Server:
        launch(world.plan(subnets=tuple(elsewhere)), vpc_id)
        world.advance(1)
        return launch(mine, vpc_id)

    monkeypatch.setattr(starting, "launch_new", launch_after_another)
    before = len(world.world.actions())
    with pytest.raises(NotebakeError, match=f"but data in {volume.zone}: no volume leaves its"):
        world.start(plan(world, "ocean", WantedVolume(name="data")))
    assert "AttachVolume" not in world.world.actions()[before:]
    (server,) = world.servers()
    assert server.zone == elsewhere[0]["AvailabilityZone"]
