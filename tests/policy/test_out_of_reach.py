"""What deployments/policy*.json does not allow, and that the judge of it is not too kind."""

from typing import Any

import pytest

from notebake.aws import tags
from tests.policy.filled_in import filled_in
from tests.policy.judge import DEPLOYMENTS, IamRequest, Judge, Thing

OURS = {f"aws:ResourceTag/{tags.RUN}": "ocean-1"}
TAGGED = {f"aws:RequestTag/{tags.RUN}": "ocean-1", "aws:TagKeys": [tags.RUN]}


def test_the_policy_evaluator_refuses_incomplete_requests(judge: Judge) -> None:
    instance, image = Thing("instance", "i-00000001", OURS), Thing("image", "ami-00000001", TAGGED)
    wanting = IamRequest("ec2:CreateImage", (instance, image))
    foreign = IamRequest("ec2:StopInstances", (instance, image))

    verdicts = judge.ask(filled_in("policy"), [wanting, foreign])

    assert [verdict.allowed for verdict in verdicts] == [False, False]
    assert "without [snapshot]" in verdicts[0].error
    assert "with [image]" in verdicts[1].error


def launch(**other: dict[str, Any]) -> IamRequest:
    """Return a launch as a run makes it, but for some things."""
    description: dict[str, dict[str, Any]] = {
        "instance": TAGGED,
        "volume": TAGGED,
        "network-interface": TAGGED,
        "key-pair": OURS,
        "security-group": OURS,
        "image": {},
        "subnet": {},
    }
    things = {name.replace("_", "-"): context for name, context in other.items()}
    return IamRequest(
        "ec2:RunInstances", tuple(Thing(k, "x-1", c) for k, c in (description | things).items())
    )


SERVERS = {f"aws:ResourceTag/{tags.SERVER}": "ocean"}
ACCEPTED = OURS | {f"aws:ResourceTag/{tags.ACCEPTED}": "now"}
KEPT = {f"aws:ResourceTag/{tags.KEEP}": "for ada"}
THEIRS: dict[str, IamRequest] = {
    "end somebody's machine": IamRequest("ec2:TerminateInstances", (Thing("instance", "i-1"),)),
    "stop it": IamRequest("ec2:StopInstances", (Thing("instance", "i-1"),)),
    "make an image of it": IamRequest(
        "ec2:CreateImage",
        (Thing("instance", "i-1"), Thing("image", "ami-1", TAGGED), Thing("snapshot", "s", TAGGED)),
    ),
    "read its console": IamRequest("ec2:GetConsoleOutput", (Thing("instance", "i-1"),)),
    "call it ours": IamRequest("ec2:CreateTags", (Thing("instance", "i-1", TAGGED),)),
    "give a run's machine to another run": IamRequest(
        "ec2:CreateTags", (Thing("instance", "i-1", OURS | TAGGED),)
    ),
    "delete somebody's volume": IamRequest("ec2:DeleteVolume", (Thing("volume", "vol-1"),)),
    "remove somebody's image": IamRequest("ec2:DeregisterImage", (Thing("image", "ami-1"),)),
    "remove an image that is kept": IamRequest(
        "ec2:DeregisterImage", (Thing("image", "ami-1", ACCEPTED | KEPT),)
    ),
    "disable the current image": IamRequest(
        "ec2:DisableImage",
        (Thing("image", "ami-1", ACCEPTED | {f"aws:ResourceTag/{tags.CURRENT}": "yes"}),),
    ),
    "deprecate somebody's image": IamRequest(
        "ec2:EnableImageDeprecation", (Thing("image", "ami-1"),)
    ),
    "remove a snapshot that is kept": IamRequest(
        "ec2:DeleteSnapshot", (Thing("snapshot", "snap-1", ACCEPTED | KEPT),)
    ),
    "look into parameters without asking EC2 who uses an image": IamRequest(
        "ssm:GetParameters", (Thing("parameter", "production/password"),)
    ),
    "launch without a tag": launch(instance={}),
    "launch with a disk without a tag": launch(volume={}),
    "launch into somebody's group": launch(security_group={}),
    "launch with somebody's key": launch(key_pair={}),
    "open somebody's group": IamRequest(
        "ec2:AuthorizeSecurityGroupIngress", (Thing("security-group", "sg-1"),)
    ),
    "import a key without a tag": IamRequest("ec2:ImportKeyPair", (Thing("key-pair", "mine"),)),
    "take all tags off": IamRequest("ec2:DeleteTags", (Thing("image", "ami-1", OURS),)),
    "share somebody's image": IamRequest("ec2:ModifyImageAttribute", (Thing("image", "ami-1"),)),
    "attach another volume": IamRequest(
        "ec2:AttachVolume", (Thing("instance", "i-1", OURS), Thing("volume", "vol-1"))
    ),
    "read another secret": IamRequest(
        "ssm:GetParameter", (Thing("parameter", "production/password"),)
    ),
    "write beside the run store": IamRequest("s3:PutObject", (Thing("object", "runs/other/x"),)),
    "hand another role over": IamRequest(
        "iam:PassRole",
        (Thing("role", "admin", {"iam:PassedToService": "scheduler.amazonaws.com"}),),
    ),
    "hand the role to another service": IamRequest(
        "iam:PassRole",
        (Thing("role", "notebake-scheduler", {"iam:PassedToService": "ec2.amazonaws.com"}),),
    ),
    "give a server another role": IamRequest(
        "iam:PassRole", (Thing("role", "admin", {"iam:PassedToService": "ec2.amazonaws.com"}),)
    ),
    "give a server's role to another service": IamRequest(
        "iam:PassRole",
        (Thing("role", "notebake-server-x", {"iam:PassedToService": "lambda.amazonaws.com"}),),
    ),
    "attach somebody's volume to a server": IamRequest(
        "ec2:AttachVolume", (Thing("instance", "i-1", SERVERS), Thing("volume", "vol-1"))
    ),
    "make a volume without a tag": IamRequest("ec2:CreateVolume", (Thing("volume", "vol-1"),)),
    "call a volume a server's": IamRequest(
        "ec2:CreateTags",
        (Thing("volume", "vol-1", {f"aws:RequestTag/{tags.SERVER_VOLUME}": "x"}),),
    ),
    "release somebody's address": IamRequest(
        "ec2:ReleaseAddress", (Thing("elastic-ip", "eipalloc-1"),)
    ),
    "take somebody's address": IamRequest(
        "ec2:AssociateAddress",
        (Thing("elastic-ip", "eipalloc-1"), Thing("instance", "i-1", SERVERS)),
    ),
    "hand the servers' role to another service": IamRequest(
        "iam:PassRole",
        (
            Thing(
                "role", "notebake-scheduler-servers", {"iam:PassedToService": "ec2.amazonaws.com"}
            ),
        ),
    ),
    "decrypt with the key": IamRequest("kms:Decrypt", (Thing("key", "key-1"),)),
}


ACCEPTED_ONES = (
    IamRequest("ec2:DeregisterImage", (Thing("image", "ami-1", ACCEPTED),)),
    IamRequest("ec2:DeleteSnapshot", (Thing("snapshot", "snap-1", ACCEPTED),)),
)


def test_accepted_images_are_in_reach_of_prunes_alone(judge: Judge) -> None:
    others = [path.stem for path in DEPLOYMENTS.glob("policy*.json") if path.stem != "policy-prune"]

    without = judge.ask(filled_in(*others, key_id="key-1"), ACCEPTED_ONES)
    pruning = judge.ask(filled_in("policy-prune"), ACCEPTED_ONES)

    assert len(others) > 5
    assert [verdict.error for verdict in (*without, *pruning)] == [""] * 4
    assert [verdict.allowed for verdict in without] == [False, False]
    assert [verdict.allowed for verdict in pruning] == [True, True]


def test_who_only_uses_images_reaches_no_schedule_of_a_run(judge: Judge) -> None:
    schedules = ("notebake-server-ocean-0123abcd-daily", "notebake-0123456789ab-i-1", "backup")
    asked = [
        IamRequest(f"scheduler:{action}Schedule", (Thing("schedule", f"default/{name}"),))
        for name in schedules
        for action in ("Create", "Update", "Delete", "Get")
    ]

    verdicts = judge.ask(filled_in("policy-use"), asked)

    assert [verdict.error for verdict in verdicts] == [""] * 12
    assert [verdict.allowed for verdict in verdicts] == [True] * 4 + [False] * 8


@pytest.mark.parametrize("what", THEIRS)
def test_resources_of_no_run_are_denied(what: str, judge: Judge) -> None:
    (verdict,) = judge.ask(filled_in(key_id="key-1"), [THEIRS[what]])

    assert verdict.error == ""
    assert not verdict.allowed


def test_the_reference_launch_is_allowed(judge: Judge) -> None:
    (verdict,) = judge.ask(filled_in("policy"), [launch()])

    assert verdict.allowed


def test_every_tag_except_the_run_tag_may_be_restored(judge: Judge) -> None:
    taken = {"aws:TagKeys": [tags.ROLE, tags.TOKEN, tags.EXPIRES]}
    tagged, untagged = (Thing("instance", "i-1", context) for context in (OURS | taken, taken))

    verdicts = judge.ask(
        filled_in("policy"),
        [IamRequest("ec2:CreateTags", (thing,)) for thing in (tagged, untagged)],
    )

    assert [(verdict.error, verdict.allowed) for verdict in verdicts] == [("", True), ("", False)]


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov"])
def test_the_policy_files_work_in_every_partition(partition: str, judge: Judge) -> None:
    question = IamRequest(
        "ec2:StopInstances",
        (Thing("instance", "i-1", OURS),),
        region="cn-north-1",
        partition=partition,
        principal=f"arn:{partition}:iam::123456789012:user/ada",
    )
    (verdict,) = judge.ask(filled_in("policy"), [question])

    assert verdict.allowed
