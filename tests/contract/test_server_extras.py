"""What servers have cost, their addresses and instance profiles, and what ends with them."""

import datetime
import io
import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from flows.cli.main import main
from notebake.aws import elastic_calls, server_calls, server_volume_calls, tags
from notebake.aws.clients import connect
from notebake.aws.elastic_calls import is_free
from notebake.errors import NotebakeError
from notebake.servers import admission, keys, losses, mounting
from notebake.servers.find import find_server
from notebake.servers.host_losses import HostLosses, WorkTree
from notebake.servers.kept_volume import list_kept
from notebake.servers.power import start_server, stop_server
from notebake.servers.termination import terminate_server
from notebake.servers.wanted_volume import WantedVolume
from sandbox.hosts.machines import Exit
from tests.cloud_world import REGION
from tests.json_documents import document
from tests.killed_calls import Killed, killed_at, killed_during
from tests.server_world import OWNER, UBUNTU, ServerWorld, server_named, server_world


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServerWorld]:
    monkeypatch.setattr(admission, "own_address", lambda _server: "198.51.100.1")
    monkeypatch.setattr(mounting, "run_on", lambda *_, **__: "mounted")
    with server_world(tmp_path) as opened:
        yield opened


def addresses(world: ServerWorld) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.world.ec2.describe_addresses()["Addresses"]
    return found


def row_of(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (row,) = document(["servers"], capsys)["servers"]
    found: dict[str, Any] = row
    return found


def test_the_list_shows_what_a_server_has_cost(
    world: ServerWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world.start(world.plan(instance_type="m5.large"))
    fresh = row_of(capsys)
    assert fresh["usd_so_far_at_least"] == fresh["usd_so_far_at_most"] >= 0
    assert main(["servers"]) == 0
    assert "so far about $0.00" in capsys.readouterr().out


def test_a_server_that_stopped_by_itself_has_bounds(
    world: ServerWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = world.start(world.plan())
    world.world.sandbox.machines.end_from_inside(server.id, Exit.POWERED_OFF)
    world.world.ec2.get_waiter("instance_stopped").wait(
        InstanceIds=[server.id], WaiterConfig={"Delay": 1}
    )
    monkeypatch.setattr(
        "notebake.servers.listed_server.clock.now",
        lambda: server.started_at.timestamp() + 10 * 86400,
    )
    row = row_of(capsys)
    assert row["usd_so_far_at_least"] < row["usd_so_far_at_most"]
    assert main(["servers"]) == 0
    assert "so far at least $0." in capsys.readouterr().out


def test_each_start_counts_the_runs_before_it(world: ServerWorld) -> None:
    server = world.start(world.plan())
    stop_server(server)
    stopped = find_server("ocean", OWNER, REGION)
    assert stopped.stopped_at is not None
    world.advance(60)
    start_server(stopped)
    counted = find_server("ocean", OWNER, REGION)
    least, most, *_ = counted.tags[tags.RUNS].split()
    assert least == most, "it was stopped by a call"
    assert counted.made_at == server.made_at
    assert counted.started_at > server.started_at


def test_a_hold_is_not_shown_beyond_the_hard_end(
    world: ServerWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    server = world.start(world.plan())
    # As a person types a tag, or starts a server in AWS's console.
    kept = server.started_at + datetime.timedelta(hours=48)
    server_calls.tag_server(server.id, {tags.KEEP_UNTIL: tags.as_tag(kept)}, REGION)

    assert main(["servers"]) == 0

    assert "at the latest; kept until then" in capsys.readouterr().out


def test_a_volume_without_a_server_is_listed_with_its_price(
    world: ServerWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    keys.ensure_key(server_named(OWNER, "ocean"))
    server = world.start(world.plan(volumes=(WantedVolume(name="data", size_gib=50),)))
    before = row_of(capsys)["usd_per_month_stopped"]
    (row,) = document(["servers"], capsys)["volumes"]
    assert (row["name"], row["size_gib"], row["instance_id"]) == ("data", 50, server.id)
    assert row["usd_per_month"] == pytest.approx(4.0)
    assert before < row["usd_per_month"], "the volume is in no server's price"
    assert main(["servers"]) == 0
    assert "No server uses" not in capsys.readouterr().out
    terminate_server(server)

    assert main(["servers"]) == 0
    printed = capsys.readouterr().out
    assert "No server uses data: about $4.00 a month." in printed
    assert f"notebake terminate --volume data --owner {OWNER} --region {REGION}" in printed
    (row,) = document(["servers"], capsys)["volumes"]
    assert row["instance_id"] is None

    assert main(["terminate", "--volume", "data", "--owner", OWNER, "--yes"]) == 0
    assert "lost for good" in capsys.readouterr().out
    assert list_kept(REGION) == []
    assert main(["terminate", "--volume", "data", "--owner", OWNER, "--yes"]) == 1
    assert "has no volume data" in capsys.readouterr().err


@pytest.mark.usefixtures("world")
def test_a_volume_in_use_is_refused_before_anybody_is_asked(
    world: ServerWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys.ensure_key(server_named(OWNER, "ocean"))
    server = world.start(world.plan(volumes=(WantedVolume(name="data", size_gib=5),)))
    typed = ["terminate", "--volume", "data", "--owner", OWNER]
    capsys.readouterr()
    assert main(typed) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "in use by the server ocean, which is running" in " ".join(said.err.split())
    stop_server(server)
    asked: list[str] = []
    monkeypatch.setattr("flows.cli.terminate.is_agreed", lambda _, question: asked.append(question))
    assert main(typed) == 1
    shown = capsys.readouterr().out
    assert len(asked) == 1
    assert f"The server ocean ({server.id}), which is stopped, loses it." in shown


def test_terminate_takes_a_server_or_a_volume(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["ocean", "--volume", "data"], []):
        assert main(["terminate", *words, "--yes"]) == 1
        assert "either a server, or a volume" in capsys.readouterr().err


def test_terminate_says_what_is_lost_before_it_asks(
    world: ServerWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys.ensure_key(server_named(OWNER, "ocean"))
    server = world.start(world.plan(volumes=(WantedVolume(name="data", size_gib=5),)))
    trees = (
        WorkTree(path="/home/ubuntu/ocean", changed=2, untracked=1, commits=3, stashes=1),
        WorkTree(path="/srv/theirs\x1b[31m", is_read=False),
        WorkTree(path="/home/ubuntu/pushed"),
    )
    root = next(iter(server.volume_ids.values())).replace("-", "")
    said = HostLosses(mounts={root: ("/",)}, instance_store=("nvme9n1, 70G, /scratch",))
    said = said.model_copy(update={"trees": trees, "is_complete": True})
    monkeypatch.setattr(losses, "ask_host", lambda _server, _host: said)
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))

    assert main(["terminate", "ocean", "--owner", OWNER]) == 1

    printed = capsys.readouterr().out
    before, _, after = printed.partition("Terminate ocean? [y/N]")
    assert "left as it is" in after
    assert f"system ({server.volume_ids['/dev/sda1']}), 8 GiB, on /" in before
    assert "temporary disk nvme9n1, 70G, /scratch" in before
    assert "Kept, and still to be paid: data (vol-" in before
    assert "$0.40 a month" in before
    assert "/home/ubuntu/ocean: 2 changed files, 1 untracked file, 3 commits, 1 stash" in before
    assert "/srv/theirs: git could not read it" in before
    assert "/home/ubuntu/pushed" not in before
    assert find_server("ocean", OWNER, REGION).state == "running"


class Terminal(io.StringIO):
    """Standard input at which a person sits."""

    def isatty(self) -> bool:
        return True


def test_a_server_that_cannot_be_asked_says_so(
    world: ServerWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    server = world.start(world.plan())
    assert main(["terminate", "ocean", "--owner", OWNER, "--yes"]) == 0
    printed = capsys.readouterr().out
    assert "was not asked: The key of the server ocean is not on this computer" in printed
    assert f"({server.id}) is terminated." in printed
    stop_server(world.start(world.plan()))
    assert main(["terminate", "ocean", "--owner", OWNER, "--yes"]) == 0
    printed = capsys.readouterr().out
    assert "was not asked: ocean is stopped." in printed
    assert "notebake open ocean" in printed


def test_an_elastic_address_is_the_same_at_each_start_and_ends_with_its_server(
    world: ServerWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = world.plan(has_elastic_address=True)
    first = world.start(plan)
    (address,) = addresses(world)
    assert first.address == address["PublicIp"]
    assert tags.as_dict(address["Tags"])[tags.SERVER] == "ocean"
    stop_server(first)
    again = world.start(world.plan())
    assert (again.id, again.address) == (first.id, first.address)
    assert world.start(plan).address == first.address
    assert len(world.world.sandbox.calls("AllocateAddress")) == 1
    row = row_of(capsys)
    assert row["elastic_address"]
    terminate_server(again)
    assert addresses(world) == []
    plain = world.start(world.plan("plain"))
    assert row_of(capsys)["usd_per_month_stopped"] < row["usd_per_month_stopped"]
    assert not plain.has_elastic_address


@pytest.mark.parametrize("is_after", [False, True])
def test_killed_on_the_way_to_an_address_there_is_one_and_it_is_released(
    world: ServerWorld, is_after: bool
) -> None:
    killed_in = []
    for number in range(4, 20):
        plan = world.plan(f"server-{number}", has_elastic_address=True)
        call = killed_during(partial(world.start, plan), number, is_after=is_after)
        if not call:
            break
        killed_in.append(call)
        again = world.start(plan)
        assert [address.get("InstanceId") for address in addresses(world)] == [again.id], killed_in
        assert again.address == addresses(world)[0]["PublicIp"]
        terminate_server(again)
        assert (addresses(world), world.servers(), world.groups()) == ([], [], []), killed_in
    assert killed_in == ["AllocateAddress", "CreateTags", "AssociateAddress"]


def test_an_address_that_a_killed_termination_left_is_shown_and_released_by_the_next(
    world: ServerWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    server = world.start(world.plan(has_elastic_address=True))
    with killed_at(2, is_after=False) as sent, pytest.raises(Killed):
        terminate_server(server)
    assert sent == ["TerminateInstances", "ReleaseAddress"]
    (address,) = addresses(world)
    world.world.sandbox.advance(5)
    (row,) = document(["servers"], capsys)["addresses"]
    assert (row["address"], row["server"]) == (address["PublicIp"], "ocean")
    assert main(["servers"]) == 0
    printed = capsys.readouterr().out
    assert "has no server any more: $3.65 a month." in printed
    assert f"notebake terminate ocean --owner {OWNER} --region {REGION}" in printed
    assert main(["terminate", "ocean", "--owner", OWNER]) == 0
    assert f"Removed: {address['PublicIp']}, sg-" in capsys.readouterr().out
    assert document(["servers"], capsys)["addresses"] == []
    assert (addresses(world), world.groups()) == ([], [])


def test_an_address_that_a_killed_start_left_beside_its_server_is_shown(
    world: ServerWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    server = world.start(world.plan())
    marks = {tags.SERVER: "ocean", tags.OWNER: OWNER}
    world.world.ec2.allocate_address(
        Domain="vpc", TagSpecifications=tags.specifications(marks, "elastic-ip")
    )

    (row,) = document(["servers"], capsys)["addresses"]
    assert (row["address"], row["has_server"]) == (addresses(world)[0]["PublicIp"], True)
    assert main(["servers"]) == 0
    printed = capsys.readouterr().out
    assert "of ocean is not in use: $3.65 a month." in printed
    assert "notebake terminate" not in printed, "that would end the server, too"

    assert world.start(world.plan(has_elastic_address=True)).id == server.id
    assert document(["servers"], capsys)["addresses"] == []
    assert len(addresses(world)) == 1


def test_an_address_is_free_whether_ec2_shows_no_id_or_an_empty_one() -> None:
    assert is_free({"AllocationId": "eipalloc-1"})
    assert is_free({"AllocationId": "eipalloc-1", "InstanceId": "", "AssociationId": ""})
    assert not is_free({"AllocationId": "eipalloc-1", "InstanceId": "i-1"})
    assert not is_free({"AllocationId": "eipalloc-1", "AssociationId": "eipassoc-1"})


def test_a_volume_that_is_being_deleted_is_listed_nowhere(
    world: ServerWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys.ensure_key(server_named(OWNER, "ocean"))
    world.start(world.plan(volumes=(WantedVolume(name="data", size_gib=50),)))
    (shown,) = server_volume_calls.list_volumes(REGION)
    ended = {**shown, "State": "deleting", "Attachments": []}
    monkeypatch.setattr(server_volume_calls, "list_volumes", lambda _region: [ended])
    assert document(["servers"], capsys)["volumes"] == []


def test_two_addresses_of_one_server_become_one(world: ServerWorld) -> None:
    marks = {tags.SERVER: "ocean", tags.OWNER: OWNER}
    for _ in range(2):
        world.world.ec2.allocate_address(
            Domain="vpc", TagSpecifications=tags.specifications(marks, "elastic-ip")
        )
    server = world.start(world.plan(has_elastic_address=True))
    assert [each.get("InstanceId") for each in addresses(world)] == [server.id]


def test_an_address_that_a_killed_start_gave_its_server_counts(
    world: ServerWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = world.plan(has_elastic_address=True)
    with monkeypatch.context() as killed:
        killed.setattr(elastic_calls, "associate_address", killed_after_associating)
        with pytest.raises(KeyboardInterrupt):
            world.start(plan)
    server = find_server("ocean", OWNER, REGION)
    assert [each.get("InstanceId") for each in addresses(world)] == [server.id]

    assert row_of(capsys)["elastic_address"]
    plain = world.plan()
    assert world.start(plain).has_elastic_address
    assert [each.get("InstanceId") for each in addresses(world)] == [server.id]


def killed_after_associating(allocation_id: str, instance_id: str, region: str) -> None:
    connect("ec2", region).associate_address(AllocationId=allocation_id, InstanceId=instance_id)
    raise KeyboardInterrupt


def test_a_used_up_quota_is_one_sentence_and_the_server_runs(world: ServerWorld) -> None:
    for _ in range(5):
        world.world.ec2.allocate_address(Domain="vpc")
    plan = world.plan(has_elastic_address=True)
    with pytest.raises(NotebakeError, match="runs, but without an elastic address") as no:
        world.start(plan)
    assert "\n" not in no.value.message
    assert no.value.next_commands[0].words == ("open", "ocean", "--owner", OWNER)
    assert find_server("ocean", OWNER, REGION).state == "running"
    world.world.ec2.release_address(AllocationId=addresses(world)[0]["AllocationId"])
    assert world.start(plan).has_elastic_address


def test_a_server_has_the_role_of_its_profile(world: ServerWorld) -> None:
    iam = connect("iam", REGION)
    iam.create_instance_profile(InstanceProfileName="reader")
    server = world.start(world.plan(profile="reader"))
    shown = world.world.ec2.describe_instances(InstanceIds=[server.id])
    profile = shown["Reservations"][0]["Instances"][0]["IamInstanceProfile"]
    assert profile["Arn"].endswith(":instance-profile/reader")


def test_a_wrong_profile_is_one_sentence_and_starts_nothing(world: ServerWorld) -> None:
    with pytest.raises(NotebakeError, match="There is no instance profile raeder") as no:
        world.start(world.plan(profile="raeder"))
    assert "\n" not in no.value.message
    assert "list-instance-profiles" in no.value.hint
    assert (world.servers(), world.groups()) == ([], [])


def test_start_says_of_efs_what_a_role_would_mount(
    world: ServerWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ec2, source = world.world.ec2, world.start(world.plan("source"))
    image = ec2.create_image(InstanceId=source.id, Name="shared")["ImageId"]
    world.advance(3600)
    ec2.get_waiter("image_available").wait(ImageIds=[image], WaiterConfig={"Delay": 1})
    marks = {tags.RECIPE: "ocean", tags.EFS: "/shared /class"}
    ec2.create_tags(Resources=[image], Tags=tags.as_list(marks))
    monkeypatch.setattr(sys, "stdin", Terminal("n\nn\nn\n"))
    words = ["start", image, "--owner", OWNER]

    assert main(["start", UBUNTU, "--owner", OWNER, "--name", "other"]) == 1
    assert "EFS" not in capsys.readouterr().out
    assert main(words) == 1
    assert (
        "EFS      not at /shared, /class without a role:"
        " notebake start ocean --name ocean --owner ada --instance-profile NAME"
    ) in capsys.readouterr().out
    assert main([*words, "--instance-profile", "reader"]) == 1
    assert (
        "EFS      /shared, /class: mounted when first opened, if the role of reader may"
    ) in capsys.readouterr().out


def test_start_says_what_its_extras_cost_and_asks(
    world: ServerWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    words = ["start", UBUNTU, "--name", "ocean", "--owner", OWNER]
    extras = ["--volume", "data:50", "--disk", "work:10", "--elastic-address"]
    assert main([*words, *extras]) == 1
    printed = capsys.readouterr().out
    assert "Volume   data: new, 50 GiB, $4.00 a month until it is deleted" in printed
    assert "Address  elastic, the same at each start: $3.65 a month" in printed
    assert "Nothing was started" in printed
    assert (world.servers(), list_kept(REGION), addresses(world)) == ([], [], [])

    assert main([*words, *extras, "--yes"]) == 0
    server = find_server("ocean", OWNER, REGION)
    assert server.has_elastic_address
    sizes = [volume["Size"] for volume in world.world.ec2.describe_volumes()["Volumes"]]
    assert sorted(sizes) == [8, 10, 50]
    assert json.dumps(server.tags).count("@/dev/sd") == 2


def test_a_server_that_is_there_is_priced_with_the_disks_that_it_has(
    world: ServerWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["start", UBUNTU, "--name", "ocean", "--owner", OWNER, "--yes"]
    assert main([*words, "--disk", "work:4000"]) == 0
    assert len(world.servers()) == 1
    capsys.readouterr()
    listed = row_of(capsys)["usd_per_hour"]
    assert listed > 0.4, "4000 GiB of gp3 alone"
    assert main(words) == 0
    assert f"Running it costs ${listed:.3f} an hour" in capsys.readouterr().out
