"""Preflight checks permissions against a cloud that refuses some of them."""

import re

import pytest

from notebake.errors import PreflightError
from notebake.preflight.checks import check_everything
from notebake.preflight.finding import CheckResult
from notebake.preflight.permissions import check_permissions
from notebake.recipe import Volume
from notebake.runs.run import Run
from sandbox.messages.call import Call
from tests.cloud_world import RECIPE, CallRecorder, CloudWorld, RefusedCall
from tests.preflight_world import ReplacedAnswer, Simulates, sentences

DENIED = (
    "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized to"
    " perform this operation. User: ada is not authorized to perform: {}</Message></Error></Errors>"
    "<RequestID>none</RequestID></Response>"
)


@pytest.fixture
def run(world: CloudWorld) -> Run:
    return world.new_run()


def nothing_was_made(world: CloudWorld) -> bool:
    ec2 = world.ec2
    groups = [group["GroupName"] for group in ec2.describe_security_groups()["SecurityGroups"]]
    return (
        ec2.describe_key_pairs()["KeyPairs"] == []
        and ec2.describe_instances()["Reservations"] == []
        and ec2.describe_images(Owners=["self"])["Images"] == []
        and groups == ["default"]
    )


def test_a_missing_permission_is_named_before_anything_is_made(world: CloudWorld, run: Run) -> None:
    denied = RefusedCall("CreateImage", "UnauthorizedOperation", status=403)
    other = RefusedCall("TerminateInstances", "UnauthorizedOperation", status=403)
    with (
        world.intercepting(denied),
        world.intercepting(other),
        pytest.raises(PreflightError) as caught,
    ):
        check_everything(run)

    assert denied.fired == other.fired == 1
    listed = re.search(r"Ask for these permissions: (.*?)\. ", str(caught.value))
    assert listed
    assert set(listed[1].split(", ")) == {"ec2:CreateImage", "ec2:TerminateInstances"}
    assert nothing_was_made(world)


def test_a_launch_that_lacks_another_permission_names_that_one(world: CloudWorld, run: Run) -> None:
    denied = ReplacedAnswer(
        "RunInstances", lambda _: DENIED.format("ec2:CreateTags on resource: x"), 403
    )
    with world.intercepting(denied):
        findings = sentences(run, CheckResult.WRONG, "permissions")

    assert denied.fired == 2
    assert "these permissions: ec2:CreateTags." in findings
    assert "RunInstances" not in findings


def test_a_permission_that_cannot_be_tested_is_not_good(world: CloudWorld, run: Run) -> None:
    open_ones = sentences(run, CheckResult.NOT_CHECKED, "permissions")

    for action in ("CreateImage", "StopInstances", "TerminateInstances", "DeleteSnapshot"):
        assert f"ec2:{action}" in open_ones
        assert f"ec2:{action}" not in sentences(run, CheckResult.GOOD, "permissions")
    assert nothing_was_made(world)


def test_the_dry_run_launch_has_the_real_parameters(world: CloudWorld, run: Run) -> None:
    with world.intercepting(CallRecorder("RunInstances")) as recorder:
        assert "ec2:RunInstances" in sentences(run, CheckResult.GOOD, "permissions")

    assert {request["InstanceType"] for request in recorder.recorded} == {"m5.large", "t3.large"}
    for request in recorder.recorded:
        assert request["DryRun"] == "true"
        assert request["NetworkInterface.1.AssociatePublicIpAddress"] == "true"
        assert request["BlockDeviceMapping.2.Ebs.VolumeSize"] == "1"
        assert run.id in request.values()


def test_a_launch_that_ec2_would_refuse_is_wrong_with_ec2_s_message(
    world: CloudWorld, run: Run
) -> None:
    with world.intercepting(
        RefusedCall("RunInstances", "PendingVerification", status=400)
    ) as refuses:
        findings = sentences(run, CheckResult.WRONG, "permissions")

    assert refuses.fired == 2
    assert "PendingVerification" in findings


def test_an_incomplete_dry_run_launch_is_not_good(world: CloudWorld, run: Run) -> None:
    with world.intercepting(RefusedCall("DescribeImages", "InvalidAMIID.NotFound")) as refuses:
        findings = list(check_permissions(run))

    assert refuses.fired
    (sentence,) = [
        str(finding) for finding in findings if finding.verdict is CheckResult.NOT_CHECKED
    ]
    assert re.search(r"ec2:RunInstances, ", sentence)
    assert "ec2:CreateSecurityGroup" not in sentence
    assert "RunInstances" not in world.actions()


def test_iam_simulation_covers_resources_that_do_not_exist_yet(world: CloudWorld, run: Run) -> None:
    with world.intercepting(Simulates(undecided=("ec2:DeleteSnapshot",))) as iam:
        allowed = sentences(run, CheckResult.GOOD, "permissions")
        still_open = sentences(run, CheckResult.NOT_CHECKED, "permissions")

    assert re.search(r"simulation, the policies allow .*ec2:CreateImage", allowed)
    assert "ec2:DeleteSnapshot" in still_open
    assert "ec2:CreateImage" not in still_open
    keys = {
        value
        for request in iam.requests
        for key, value in request.items()
        if "ContextKeyName" in key
    }
    assert "aws:ResourceTag/notebake:run" in keys
    arns = {request["ResourceArns.member.1"] for request in iam.requests}
    assert "arn:aws:ec2:us-west-2:123456789012:instance/*" in arns


def test_a_permission_denied_by_iam_simulation_is_missing(world: CloudWorld, run: Run) -> None:
    with world.intercepting(Simulates(denied=("ec2:StopInstances",))):
        assert "these permissions: ec2:StopInstances." in sentences(
            run, CheckResult.WRONG, "permissions"
        )


def test_a_tag_based_policy_is_not_a_missing_permission(world: CloudWorld, run: Run) -> None:
    denied = RefusedCall("TerminateInstances", "UnauthorizedOperation", status=403)
    with world.intercepting(denied), world.intercepting(Simulates()):
        assert sentences(run, CheckResult.WRONG, "permissions") == ""

    assert denied.fired == 1


def test_a_cloud_without_dry_run_support_gets_no_creating_call(world: CloudWorld, run: Run) -> None:
    done = "<DeleteKeyPairResponse><return>true</return></DeleteKeyPairResponse>"
    with world.intercepting(ReplacedAnswer("DeleteKeyPair", lambda _: done)) as heedless:
        findings = sentences(run, CheckResult.NOT_CHECKED, "permissions")

    assert heedless.fired == 1
    assert "ignores DryRun" in findings
    assert not {"RunInstances", "ImportKeyPair", "CreateImage"} & set(world.actions())


def test_a_dry_run_without_an_answer_leaves_the_permission_not_checked(
    world: CloudWorld, run: Run
) -> None:
    with world.intercepting(RefusedCall("CreateSecurityGroup", "InternalError")) as broken:
        still_open, wrong = (
            sentences(run, CheckResult.NOT_CHECKED, "permissions"),
            sentences(run, CheckResult.WRONG, "permissions"),
        )

    assert broken.fired
    assert "ec2:CreateSecurityGroup" in still_open
    assert wrong == ""


def test_sharing_and_existing_volumes_need_further_permissions(world: CloudWorld) -> None:
    zone = "us-west-2a"
    made = world.ec2.create_volume(AvailabilityZone=zone, Size=1, VolumeType="gp3")["VolumeId"]
    volume = Volume(name="data", mount_point="/data", volume_id=made)
    run = world.new_run(
        RECIPE.model_copy(update={"share_with": ("123456789012",), "volumes": (volume,)})
    )

    still_open = sentences(run, CheckResult.NOT_CHECKED, "permissions")

    for action in ("AttachVolume", "ModifyImageAttribute", "ModifySnapshotAttribute"):
        assert f"ec2:{action}" in still_open


def test_a_scheduler_role_needs_further_permissions(world: CloudWorld) -> None:
    role = "arn:aws:iam::123456789012:role/notebake-end"
    run = world.new_run(RECIPE.model_copy(update={"scheduler_role": role}))
    with world.intercepting(Simulates(denied=("iam:PassRole",))) as iam:
        wrong, good = (
            sentences(run, CheckResult.WRONG, "permissions"),
            sentences(run, CheckResult.GOOD, "permissions"),
        )

    assert "these permissions: iam:PassRole." in wrong
    assert "scheduler:CreateSchedule" in good
    assert role in {request["ResourceArns.member.1"] for request in iam.requests}


def test_no_dry_run_names_an_existing_resource(world: CloudWorld, run: Run) -> None:
    calls: list[Call] = []

    def record(call: Call) -> None:
        if call.parameters.get("DryRun") == "true":
            calls.append(call)

    class Recorder:
        def before(self, call: Call) -> None:
            record(call)

        def after(self, call: Call, reply: object) -> object:
            del call
            return reply

    with world.intercepting(Recorder()):
        check_everything(run)

    ids = re.compile(r"\b(?:i|vol|sg|key)-[0-9a-f]{8,}\b|\bami-0{17}\b|\bsnap-[0-9a-f]{8,}\b")
    named = {
        resource_id
        for call in calls
        for text in call.parameters.values()
        for resource_id in ids.findall(text)
    }
    assert len(calls) > 10
    assert {resource_id.partition("-")[2] for resource_id in named} == {"0" * 17}
