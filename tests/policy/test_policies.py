"""deployments/policy*.json: enough for every call that runs make, and for nothing more.

Every call of whole runs, builds, resumes, tear-downs and sweeps, is put to an evaluator of other
people's, with the resources that AWS's own data require and the tags that they have just then.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from notebake.aws import facts, tags
from notebake.preflight.asks_of_ec2 import asks_about_nothing
from notebake.preflight.asks_of_others import asks_without_trial
from notebake.preflight.asks_to_make import asks_to_make
from notebake.preflight.disks import USING
from tests.cloud_world import CloudWorld
from tests.own_process import report_of
from tests.policy.filled_in import actions_of, as_list, filled_in
from tests.policy.judge import DEPLOYMENTS, Asked, Judge, Thing, Verdict
from tests.policy.scenes import with_everything
from tests.policy.tours import TOURS
from tests.sweep.whole_run import USERS_VOLUME

LONGEST = 6144
"""Characters of a managed policy, blanks not counted (IAM user guide, "IAM and STS quotas")."""
STAND_IN = re.compile(r"-0{17}$")
OURS = {f"aws:ResourceTag/{tags.RUN}": "ocean-1"}
TAGGED = {f"aws:RequestTag/{tags.RUN}": "ocean-1", "aws:TagKeys": [tags.RUN]}


@dataclass(frozen=True)
class Judged:
    """One question to IAM that a call of a run gave rise to, and its answer."""

    call: dict[str, Any]
    asked: Asked
    verdict: Verdict

    def __str__(self) -> str:
        where = f"{self.call['tour']}, {self.call['what']}, {self.call['step']}"
        return f"{where}: {self.asked.action} {self.verdict.denied} {self.verdict.error}"


@pytest.fixture(scope="module")
def judged(judge: Judge, tmp_path_factory: pytest.TempPathFactory) -> list[Judged]:
    """All calls of all tours, judged by the policies that each needs."""
    report = tmp_path_factory.mktemp("policy") / "calls.json"
    calls = report_of("tests.policy", report=report)["calls"]
    found: list[Judged] = []
    for name, tour in TOURS.items():
        asked = [
            (call, as_asked(one)) for call in calls if call["tour"] == name for one in call["asked"]
        ]
        key_id = key_of([one for _, one in asked])
        policies = filled_in(*tour.policies, key_id=key_id, volume_id=USERS_VOLUME)
        once = list({json.dumps(one.as_request()): one for _, one in asked}.values())
        verdicts = {
            json.dumps(one.as_request()): verdict
            for one, verdict in zip(once, judge.ask(policies, once), strict=True)
        }
        found += [Judged(call, one, verdicts[json.dumps(one.as_request())]) for call, one in asked]
    return found


def as_asked(told: dict[str, Any]) -> Asked:
    return Asked(**told | {"things": tuple(Thing(**one) for one in told["things"])})


def key_of(asked: list[Asked]) -> str:
    """Return the key that a tour encrypts with."""
    keys = {one.things[0].id for one in asked if one.action.startswith("kms:")}
    assert len(keys) <= 1
    return next(iter(keys), "none")


def test_every_call_of_a_run_is_allowed(
    judged: list[Judged], record_property: Callable[[str, object], None]
) -> None:
    real = [one for one in judged if not one.call["is_dry"]]

    assert [str(one) for one in real if not one.verdict.allowed] == []
    seen = {(one.call["tour"], one.call["what"]) for one in real}
    assert {tour for tour, _ in seen} == set(TOURS)
    for what in ("build", "resume", "tear-down again", "sweep"):
        assert ("plain", what) in seen
        assert ("everything", what) in seen
    counted = Counter(one.call["tour"] for one in real)
    calls, actions = {id(one.call) for one in real}, {one.asked.action for one in real}
    record_property(
        "table",
        f"{len(calls)} calls, of which each tour made so many questions to IAM: {dict(counted)};"
        f" {len(actions)} actions, all allowed",
    )


def test_what_is_only_tried_is_denied_for_a_stand_in_alone(judged: list[Judged]) -> None:
    tried = [one for one in judged if one.call["is_dry"]]
    denied = [one for one in tried if not one.verdict.allowed]

    assert len(denied) > 20
    assert [str(one) for one in denied if one.verdict.error] == []
    named = {arn for one in denied for arn in one.verdict.denied if not STAND_IN.search(arn)}
    # A launch is tried in the VPC's default group, as the run has none yet.
    assert {arn.rpartition(":")[2].partition("/")[0] for arn in named} == {"security-group"}


def test_no_condition_goes_by_what_aws_does_not_tell(judged: list[Judged]) -> None:
    assert {key for one in judged for key in one.verdict.ignored} == set()


def test_nothing_is_allowed_that_no_call_needs(judged: list[Judged]) -> None:
    used = [tuple(each) for one in judged for each in one.verdict.used]
    policies = filled_in(key_id="*", volume_id="*")

    assert set(actions_of(policies)) - {each[:3] for each in used} == set()
    unused = [
        (name, statement["Sid"], resource)
        for name, policy in policies.items()
        for statement in policy["Statement"]
        for resource in as_list(statement["Resource"])
        if not any(
            (one[0], one[1]) == (name, statement["Sid"]) and is_like(one[3], resource)
            for one in used
        )
    ]
    assert [one for one in unused if one[:2] not in WHOEVER_CALLS] == []


WHOEVER_CALLS = {("policy", "AskWhatIsAllowed"), ("policy", "FindOwnRole")}
"""Users and roles, with a path and without: a run has one caller."""


def is_like(arn: str, resource: str) -> bool:
    """Tell whether a policy's resource is meant by an ARN."""
    return fnmatchcase(arn, resource)


def test_preflight_asks_for_what_runs_call_and_for_nothing_else(
    judged: list[Judged], world: CloudWorld
) -> None:
    run, _ = with_everything(world)
    caller = facts.caller(run.recipe.region)
    asks = [*asks_about_nothing(run), *asks_to_make(run), *asks_without_trial(run, caller)]
    asked = {action for one in asks for action, _ in one.questions}
    real = [one for one in judged if not one.call["is_dry"]]
    called = {one.asked.action for one in real if one.call["step"] != "preflight"}
    by_checks = {one.asked.action for one in real if one.call["step"] == "preflight"}

    assert called - asked - by_checks - set(USING) == set()
    assert asked - called == set()


def test_each_is_short_enough_to_be_a_managed_policy() -> None:
    for path in DEPLOYMENTS.glob("policy*.json"):
        assert len(re.sub(r"\s", "", path.read_text(encoding="utf-8"))) <= LONGEST, path.name


def test_the_judge_takes_no_request_that_lacks_what_aws_checks(judge: Judge) -> None:
    instance, image = Thing("instance", "i-00000001", OURS), Thing("image", "ami-00000001", TAGGED)
    wanting = Asked("ec2:CreateImage", (instance, image))
    foreign = Asked("ec2:StopInstances", (instance, image))

    verdicts = judge.ask(filled_in("policy"), [wanting, foreign])

    assert [one.allowed for one in verdicts] == [False, False]
    assert "without [snapshot]" in verdicts[0].error
    assert "with [image]" in verdicts[1].error


def launch(**other: dict[str, Any]) -> Asked:
    """Return a launch as a run makes it, but for some things."""
    told: dict[str, dict[str, Any]] = {
        "instance": TAGGED,
        "volume": TAGGED,
        "network-interface": TAGGED,
        "key-pair": OURS,
        "security-group": OURS,
        "image": {},
        "subnet": {},
    }
    things = {one.replace("_", "-"): context for one, context in other.items()}
    return Asked("ec2:RunInstances", tuple(Thing(k, "x-1", c) for k, c in (told | things).items()))


THEIRS: dict[str, Asked] = {
    "end somebody's machine": Asked("ec2:TerminateInstances", (Thing("instance", "i-1"),)),
    "stop it": Asked("ec2:StopInstances", (Thing("instance", "i-1"),)),
    "make an image of it": Asked(
        "ec2:CreateImage",
        (Thing("instance", "i-1"), Thing("image", "ami-1", TAGGED), Thing("snapshot", "s", TAGGED)),
    ),
    "read its console": Asked("ec2:GetConsoleOutput", (Thing("instance", "i-1"),)),
    "call it ours": Asked("ec2:CreateTags", (Thing("instance", "i-1", TAGGED),)),
    "give a run's machine to another run": Asked(
        "ec2:CreateTags", (Thing("instance", "i-1", OURS | TAGGED),)
    ),
    "delete somebody's volume": Asked("ec2:DeleteVolume", (Thing("volume", "vol-1"),)),
    "remove an accepted image": Asked(
        "ec2:DeregisterImage",
        (Thing("image", "ami-1", OURS | {f"aws:ResourceTag/{tags.ACCEPTED}": "now"}),),
    ),
    "remove its snapshot": Asked(
        "ec2:DeleteSnapshot",
        (Thing("snapshot", "snap-1", OURS | {f"aws:ResourceTag/{tags.ACCEPTED}": "now"}),),
    ),
    "launch without a tag": launch(instance={}),
    "launch with a disk without a tag": launch(volume={}),
    "launch into somebody's group": launch(security_group={}),
    "launch with somebody's key": launch(key_pair={}),
    "open somebody's group": Asked(
        "ec2:AuthorizeSecurityGroupIngress", (Thing("security-group", "sg-1"),)
    ),
    "import a key without a tag": Asked("ec2:ImportKeyPair", (Thing("key-pair", "mine"),)),
    "take all tags off": Asked("ec2:DeleteTags", (Thing("image", "ami-1", OURS),)),
    "share somebody's image": Asked("ec2:ModifyImageAttribute", (Thing("image", "ami-1"),)),
    "attach another volume": Asked(
        "ec2:AttachVolume", (Thing("instance", "i-1", OURS), Thing("volume", "vol-1"))
    ),
    "read another secret": Asked("ssm:GetParameter", (Thing("parameter", "production/password"),)),
    "write beside the run store": Asked("s3:PutObject", (Thing("object", "runs/other/x"),)),
    "hand another role over": Asked(
        "iam:PassRole",
        (Thing("role", "admin", {"iam:PassedToService": "scheduler.amazonaws.com"}),),
    ),
    "hand the role to another service": Asked(
        "iam:PassRole",
        (Thing("role", "notebake-scheduler", {"iam:PassedToService": "ec2.amazonaws.com"}),),
    ),
    "decrypt with the key": Asked("kms:Decrypt", (Thing("key", "key-1"),)),
}


@pytest.mark.parametrize("what", THEIRS)
def test_what_is_not_of_a_run_is_out_of_reach(what: str, judge: Judge) -> None:
    (verdict,) = judge.ask(filled_in(key_id="key-1"), [THEIRS[what]])

    assert verdict.error == ""
    assert not verdict.allowed


def test_the_launch_that_the_others_differ_from_is_allowed(judge: Judge) -> None:
    (verdict,) = judge.ask(filled_in("policy"), [launch()])

    assert verdict.allowed


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov"])
def test_the_same_files_serve_in_every_partition(partition: str, judge: Judge) -> None:
    asked = Asked(
        "ec2:StopInstances",
        (Thing("instance", "i-1", OURS),),
        region="cn-north-1",
        partition=partition,
        principal=f"arn:{partition}:iam::123456789012:user/ada",
    )
    (verdict,) = judge.ask(filled_in("policy"), [asked])

    assert verdict.allowed


def test_every_policy_is_needed_by_some_tour() -> None:
    files = {Path(one).stem for one in DEPLOYMENTS.glob("policy*.json")}

    assert {name for tour in TOURS.values() for name in tour.policies} == files
