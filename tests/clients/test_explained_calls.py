"""What `notebake explain` prints for the AWS command line makes the same things, typed as it is.

A run is baked in one cloud. In another one, empty, the unmodified AWS command line gets the printed
lines in their order; only ids that AWS gives anew are replaced, by those that it has just printed.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from notebake.aws import tags
from notebake.aws.call_parameters import CREATED, created_ids
from notebake.aws.server_schedules import find_schedule
from notebake.explanation.document import Action, Explanation, Where
from notebake.explanation.server_explanation import explain_server
from notebake.explanation.server_facts import find_facts
from notebake.servers.keep import keep_server
from notebake.servers.launch import user_data
from notebake.servers.outside_ends import remove_outside_ends
from notebake.servers.server_disks import disks_of_launch, tag_of_disks
from notebake.servers.start import start, subnets_to_try
from notebake.servers.wanted_volume import WantedVolume
from tests.clients.programs import find_or_skip
from tests.cloud_world import REGION, CloudWorld, cloud_world
from tests.conftest import keep_from_aws
from tests.ec2_actions import PUBLIC_KEY
from tests.explained_run import FRIEND, actions_of, bake, explained, tear_down
from tests.limits import HANG_SECONDS
from tests.own_account import described, settled
from tests.server_world import OWNER, server_world

ID = re.compile(r"\b(?:i|ami|sg|key|vol|snap|vpc|subnet)-[0-9a-f]{8,17}\b")
SCHEDULER = "aws scheduler"
OPERATION = re.compile(r"^aws ec2 ([a-z-]+)", re.MULTILINE)


@pytest.fixture(scope="module")
def aws() -> str:
    return find_or_skip("The AWS command line", "aws", "--version")


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use no credentials and no home of whoever runs the tests."""
    keep_from_aws(monkeypatch, tmp_path)
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path / "home"))


SERVER_CALLS = frozenset(
    (
        *("CreateSecurityGroup", "RunInstances", "StopInstances", "TerminateInstances"),
        *("DeleteSecurityGroup", "DescribeImages", "DescribeInstances", "GetConsoleOutput"),
        *("CreateVolume", "AttachVolume"),
    )
)
"""All but the rule: `start` lets nobody in."""


class Typist:
    """Types lines into a shell, with the ids of this account in place of those of the run."""

    def __init__(self, aws: str, folder: Path, world: CloudWorld, ids: dict[str, str]) -> None:
        self.ids, self.typed = ids, list[str]()
        self._folder, self._world = folder, world
        (folder / "user-data.txt").write_text("#cloud-config\n{}\n")
        self._environment = {
            "PATH": f"{Path(aws).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"],
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_PAGER": "",
        }

    def type(self, action: Action) -> None:
        """Type the lines of an action, and learn the ids that they give."""
        settled(self._world.ec2)
        text = self.in_this_account(action.text)
        done = subprocess.run(
            ["bash", "-euc", text],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stderr}"
        operation = operation_of(action.text)
        self.typed.append(operation)
        if operation in CREATED:
            made = created_ids(operation, json.loads(done.stdout))
            self.ids |= dict(zip(ID.findall(action.afterwards), made, strict=True))

    def in_this_account(self, text: str) -> str:
        missing = {found for found in ID.findall(text) if found not in self.ids}
        assert not missing, f"no line has given {missing}"
        return ID.sub(lambda found: self.ids[found[0]], text)


def operation_of(text: str) -> str:
    """Return the name of the operation in the API; "" for other lines."""
    found = OPERATION.search(text)
    return "".join(word.title() for word in found[1].split("-")) if found else ""


def calls_in(explanation: Explanation) -> Iterator[Action]:
    """Give the actions that are calls of EC2, with their waits."""
    for action in actions_of(explanation, Where.COMPUTER):
        if operation_of(action.text):
            yield action


def test_the_printed_lines_make_the_same_things(aws: str, tmp_path: Path) -> None:
    with cloud_world(tmp_path) as world:
        run = bake(world)
        before = described(world.ec2)
        tear_down(run)
        left = described(world.ec2)
    explanation = explained(run)

    (tmp_path / "typed").mkdir()
    with cloud_world(tmp_path / "other") as world:
        ids = places_of(before, described(world.ec2))
        typist = Typist(aws, tmp_path / "typed", world, ids)
        for action in calls_in(explanation):
            if operation_of(action.text) == "TerminateInstances" and "wait" not in action.text:
                break
            typist.type(action)
            learn_snapshots(typist, before, described(world.ec2))
        made = described(world.ec2)
        assert_same(before, made, typist)
        for action in [each for each in calls_in(explanation) if is_removal(each)]:
            typist.type(action)
        assert_same(left, described(world.ec2), typist)

    assert typist.typed.count("RunInstances") == 3
    assert {"ImportKeyPair", "CreateImage", "ModifyImageAttribute"} <= {*typist.typed}
    assert made["permissions"] == [{"UserId": FRIEND}]


def is_removal(action: Action) -> bool:
    words = ("Terminate", "Delete", "InstanceTerminated")
    return operation_of(action.text).startswith(words) or "instance-terminated" in action.text


def places_of(before: dict[str, Any], now: dict[str, Any]) -> dict[str, str]:
    """Return what an account has from its beginning: networks, and the public images."""
    pairs = zip(before["places"], now["places"], strict=True)
    return {old: new for old, new in pairs}


def learn_snapshots(typist: Typist, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Learn which snapshot of the new image stands for which of the first: by their devices."""
    if now["snapshots"]:
        typist.ids |= {old: now["snapshots"][device] for device, old in before["snapshots"].items()}


def assert_same(before: dict[str, Any], now: dict[str, Any], typist: Typist) -> None:
    """Compare everything but ids, which each account gives itself."""
    expected = without_notes(typist.in_this_account(json.dumps(before["things"])))
    found = without_notes(json.dumps(now["things"]))
    assert expected.keys() == found.keys()
    for kind, things in expected.items():
        assert found[kind] == things, kind


def without_notes(text: str) -> Any:
    """Return what was described but the tag that says where disks are mounted: nobody types it."""
    return json.loads(text, object_hook=lambda each: {**each, tags.DISKS: ""})


def test_the_lines_of_its_ends_make_the_same_schedules(aws: str, tmp_path: Path) -> None:
    role = "arn:aws:iam::123456789012:role/notebake-scheduler-servers"
    marks = {tags.IDLE: "60", tags.DAILY_END: "19:00 Asia/Tokyo", tags.SCHEDULER_ROLE: role}
    with server_world(tmp_path) as opened:
        keep_server(opened.start(opened.plan(tags=marks)), 30 * 60)
        facts = find_facts("ocean", OWNER, REGION)
        names = opened.schedules()
        before = [find_schedule(name, REGION) for name in names]
        remove_outside_ends(facts.server)
        assert (len(names), opened.schedules()) == (2, [])

        lines = actions_of(explain_server(facts), Where.COMPUTER)
        same = {found: found for action in lines for found in ID.findall(action.text)}
        typist = Typist(aws, tmp_path, opened.world, same)
        for action in (each for each in lines if each.text.startswith(f"{SCHEDULER} create")):
            typist.type(action)
        assert [find_schedule(name, REGION) for name in names] == before
        for action in (each for each in lines if each.text.startswith(f"{SCHEDULER} delete")):
            typist.type(action)
        assert opened.schedules() == []


def test_the_lines_of_a_server_make_the_same_server(aws: str, tmp_path: Path) -> None:
    made, mapping = disks_of_launch([WantedVolume(name="work", size_gib=2)], [], "ubuntu")
    volumes = (WantedVolume(name="data", size_gib=5),)
    marks = {tags.IDLE: "60", **tag_of_disks(made)}
    key = tmp_path / "ada's key"
    key.with_name(f"{key.name}.pub").write_text(f"{PUBLIC_KEY.decode()}\n")
    key.touch()
    with server_world(tmp_path) as opened:
        plan = opened.plan(disks=tuple(mapping), volumes=volumes, tags=marks)
        start(plan, subnets_to_try(REGION)[0], mounts=False)
        facts = find_facts("ocean", OWNER, REGION)
        before = described(opened.world.ec2)
    explanation = explain_server(facts.model_copy(update={"key_path": str(key)}))

    (tmp_path / "typed").mkdir()
    with server_world(tmp_path / "other") as opened:
        ids = places_of(before, described(opened.world.ec2))
        typist = Typist(aws, tmp_path / "typed", opened.world, ids)
        ending = False
        for action in actions_of(explanation, Where.COMPUTER):
            operation = operation_of(action.text)
            if operation == "StopInstances":
                assert_same(before, described(opened.world.ec2), typist)
                ending = True
            if action.text.startswith("printf") or operation in SERVER_CALLS:
                typist.type(action)
        assert ending
        assert described(opened.world.ec2)["things"]["instances"] == []
        assert opened.groups() == []
    written = (tmp_path / "typed" / "user-data.txt").read_text()
    assert yaml.safe_load(written) == yaml.safe_load(user_data(PUBLIC_KEY.decode().strip()))
