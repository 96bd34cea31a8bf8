"""With any action taken out of the policies, preflight says so, or that it could not be told."""

import re
from collections.abc import Callable

import pytest

from notebake.aws.account import Caller
from notebake.aws.image_uses import PRUNES
from notebake.aws.instances import ENCRYPT_DISKS, LET_DISKS_USE_KEY
from notebake.aws.permissions import allowed_by, declared
from notebake.aws.s3_versions import READ_VERSIONS
from notebake.preflight.finding import CheckResult
from notebake.preflight.required_permissions import required_permissions
from notebake.preflight.simulation import whole_arn
from tests.cloud_world import CallRecorder, CloudWorld
from tests.draw import is_drawn
from tests.policy.filled_in import actions_of, filled_in, without
from tests.policy.iam import Iam, allow_all
from tests.policy.judge import ACCOUNT, USER, Judge, read_policies
from tests.policy.scenes import Findings, ask, with_default_key, with_everything
from tests.preflight_world import sentences

NEVER_NEEDED = "pricing:GetProducts"
"""Without it estimates have the prices of notebake's own table, and name that as their source."""
ACTIONS = sorted({action for _, _, action in actions_of(read_policies())} - {NEVER_NEEDED})
SHARE = 0.2
STAND_IN = re.compile(r"-0{17}$")
DEFAULT_KEY_ONLY = {"ec2:GetEbsDefaultKmsKeyId"}
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/notebake-builder/ada"
FOR_PRUNES = {each.action for each in declared() if each.only_for == PRUNES}
FOR_OTHERS = {each.action for each in declared() if each.only_for != PRUNES}
NOT_ASKED = {*allowed_by(READ_VERSIONS), *(FOR_PRUNES - FOR_OTHERS)}
ASKED = [action for action in ACTIONS if action not in NOT_ASKED]
"""A run never reads versions, nor does it prune: what does that says itself where it may not."""


def names(text: str, action: str) -> bool:
    """Tell whether a text names an action, and not only one that begins so."""
    return bool(re.search(rf"{action}(?![A-Za-z])", text))


def findings_without(action: str, world: CloudWorld, judge: Judge, caller: str) -> Findings:
    scene = with_default_key if action in DEFAULT_KEY_ONLY else with_everything
    run, words = scene(world)
    policies = filled_in(key_id=words["KEY"], volume_id=words.get("VOLUME", "none"))
    return ask(run, without(policies, action), world, judge, caller)


@pytest.mark.parametrize("action", [action for action in ASKED if is_drawn(action, SHARE)])
def test_a_removed_action_is_reported_missing_and_never_good(
    action: str, world: CloudWorld, judge: Judge, record_property: Callable[[str, object], None]
) -> None:
    # Only who calls as a role's session looks the role up.
    message = findings_without(action, world, judge, caller=SESSION)

    assert names(message.wrong, action) or names(message.not_checked, action)
    assert not names(message.good, action)
    record_property("named_by", how_named(action, message))


def test_what_no_run_needs_is_missed_by_no_check(world: CloudWorld, judge: Judge) -> None:
    findings = findings_without(NEVER_NEEDED, world, judge, caller=SESSION)

    assert NEVER_NEEDED in {action for _, _, action in actions_of(read_policies())}
    assert findings.wrong == ""
    assert not names(findings.good + findings.not_checked, NEVER_NEEDED)


def how_named(action: str, message: Findings) -> str:
    """Return what showed that an action is not allowed."""
    denied = [question for question in message.iam.denied if question.action == action]
    if any(not question.is_dry for question in denied):
        return "the question itself"
    if any(
        not STAND_IN.search(question.arn) and ":security-group/" not in question.arn
        for question in denied
    ):
        return "DryRun"
    return "IAM's simulation" if names(message.wrong, action) else "listed as not checked"


@pytest.mark.parametrize("caller", [USER, SESSION])
def test_with_the_policies_nothing_is_missing_and_everything_is_checked(
    caller: str, world: CloudWorld, judge: Judge
) -> None:
    run, words = with_everything(world)
    findings = ask(
        run, filled_in(key_id=words["KEY"], volume_id=words["VOLUME"]), world, judge, caller
    )

    assert findings.wrong == ""
    # The policy of a key has a say, too: nobody but KMS can tell.
    with_key = allowed_by(LET_DISKS_USE_KEY, ENCRYPT_DISKS)
    assert re.findall(r"[a-z]\w+:[A-Z]\w+", findings.not_checked) == with_key
    assert "ec2:RunInstances with the run's own key pair and group" in findings.good


def test_the_first_policy_alone_is_enough_for_a_plain_run(world: CloudWorld, judge: Judge) -> None:
    findings = ask(world.new_run(), filled_in("policy"), world, judge)

    assert (findings.wrong, findings.not_checked) == ("", "")


def test_a_role_with_a_path_is_looked_up(world: CloudWorld, judge: Judge) -> None:
    with world.intercepting(CallRecorder("SimulatePrincipalPolicy")) as recorder:
        findings = ask(world.new_run(), filled_in("policy"), world, judge, SESSION)

    assert findings.wrong == ""
    parameters = {request["PolicySourceArn"] for request in recorder.recorded}
    assert parameters == {f"arn:aws:iam::{ACCOUNT}:role/research/notebake-builder"}


@pytest.mark.parametrize("caller", ["sts::{}:federated-user/ada", "iam::{}:root"])
def test_a_caller_that_iam_cannot_simulate_is_reported(caller: str, world: CloudWorld) -> None:
    arn = f"arn:aws:{caller.format(ACCOUNT)}"
    with world.intercepting(Iam(world.sandbox.cloud, allow_all, arn)):
        open_ones = sentences(world.new_run(), CheckResult.NOT_CHECKED, "permissions")

    assert f"IAM cannot simulate the policies of {arn}" in open_ones
    assert "ec2:StopInstances" in open_ones
    assert "SimulatePrincipalPolicy" not in world.actions()


def test_simulated_arns_use_the_caller_s_partition(world: CloudWorld) -> None:
    china = Caller(account=ACCOUNT, arn=f"arn:aws-cn:iam::{ACCOUNT}:user/ada")
    run, _ = with_everything(world)
    questions = [
        question for required in required_permissions(run) for question in required.questions
    ]
    arns = {whole_arn(question.arn, china, "cn-north-1") for question in questions}

    assert f"arn:aws-cn:ec2:cn-north-1:{ACCOUNT}:instance/*" in arns
    assert "arn:aws-cn:ec2:cn-north-1::image/*" in arns
    assert "arn:aws-cn:ec2:cn-north-1::snapshot/*" in arns
    role = f"arn:aws:iam::{ACCOUNT}:role/notebake-scheduler"
    assert {arn.split(":")[1] for arn in arns - {role, "*"}} == {"aws-cn"}


def test_a_launch_denied_beyond_the_group_is_not_simulated(world: CloudWorld, judge: Judge) -> None:
    policies = filled_in("policy")
    for statement in policies["policy"]["Statement"]:
        if statement["Sid"] == "StartFrom":
            statement["Resource"] = [arn for arn in statement["Resource"] if "subnet" not in arn]

    assert "ec2:RunInstances" in ask(world.new_run(), policies, world, judge).wrong


@pytest.mark.parametrize("action", allowed_by(READ_VERSIONS))
def test_preflight_needs_no_versions(action: str, world: CloudWorld, judge: Judge) -> None:
    findings = findings_without(action, world, judge, caller=SESSION)

    assert findings.wrong == ""
    assert not names(findings.good + findings.not_checked, action)
