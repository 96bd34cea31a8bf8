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

from notebake.aws.instances import ENCRYPT_DISKS, LET_DISKS_USE_KEY
from notebake.aws.permissions import allowed_by
from notebake.aws.price_list import READ_PRICES
from notebake.aws.s3_versions import READ_VERSIONS
from notebake.preflight.required_permissions import required_permissions
from tests.cloud_world import CloudWorld
from tests.kills.whole_run import USERS_VOLUME
from tests.own_process import report_of
from tests.policy.filled_in import actions_of, as_list, filled_in
from tests.policy.judge import DEPLOYMENTS, IamRequest, Judge, Thing, Verdict
from tests.policy.scenes import actions_of_commands, with_everything
from tests.policy.tours import SERVERS, TOURS
from tests.repo.test_permissions_beside_calls import DISPENSABLE

LONGEST = 6144
"""Characters of a managed policy, blanks not counted (IAM user guide, "IAM and STS quotas")."""
STAND_IN = re.compile(r"-0{17}$")


@dataclass(frozen=True)
class Judged:
    """One question to IAM that a call of a run gave rise to, and its answer."""

    call: dict[str, Any]
    question: IamRequest
    verdict: Verdict

    def __str__(self) -> str:
        where = f"{self.call['tour']}, {self.call['what']}, {self.call['step']}"
        return f"{where}: {self.question.action} {self.verdict.denied} {self.verdict.error}"


@pytest.fixture(scope="module")
def judged(judge: Judge, tmp_path_factory: pytest.TempPathFactory) -> list[Judged]:
    """All calls of all tours, judged by the policies that each needs."""
    report = tmp_path_factory.mktemp("policy") / "calls.json"
    calls = report_of("tests.policy", report=report)["calls"]
    found: list[Judged] = []
    parts = {(call["tour"], call["what"] == SERVERS) for call in calls}
    for name, is_of_user in sorted(parts):
        tour = TOURS[name]
        names = tour.of_user if is_of_user else tour.policies
        questions = [
            (call, as_iam_request(question))
            for call in calls
            if (call["tour"], call["what"] == SERVERS) == (name, is_of_user)
            for question in call["asked"]
        ]
        key_id = key_of([question for _, question in questions])
        policies = filled_in(*names, key_id=key_id, volume_id=USERS_VOLUME)
        once = list(
            {json.dumps(question.as_request()): question for _, question in questions}.values()
        )
        verdicts = {
            json.dumps(question.as_request()): verdict
            for question, verdict in zip(once, judge.ask(policies, once), strict=True)
        }
        found += [
            Judged(call, question, verdicts[json.dumps(question.as_request())])
            for call, question in questions
        ]
    return found


def as_iam_request(description: dict[str, Any]) -> IamRequest:
    return IamRequest(
        **description | {"things": tuple(Thing(**thing) for thing in description["things"])}
    )


def key_of(questions: list[IamRequest]) -> str:
    """Return the key that a tour encrypts with."""
    keys = {question.things[0].id for question in questions if question.action.startswith("kms:")}
    assert len(keys) <= 1
    return next(iter(keys), "none")


def test_every_call_of_a_run_is_allowed(
    judged: list[Judged], record_property: Callable[[str, object], None]
) -> None:
    real = [judgement for judgement in judged if not judgement.call["is_dry"]]

    assert [str(judgement) for judgement in real if not judgement.verdict.allowed] == []
    seen = {(judgement.call["tour"], judgement.call["what"]) for judgement in real}
    assert {tour for tour, _ in seen} == set(TOURS)
    for what in ("build", "resume", "tear-down again", "sweep"):
        assert ("plain", what) in seen
        assert ("everything", what) in seen
    assert ("key", SERVERS) in seen
    counted = Counter(judgement.call["tour"] for judgement in real)
    calls, actions = (
        {id(judgement.call) for judgement in real},
        {judgement.question.action for judgement in real},
    )
    record_property(
        "table",
        f"{len(calls)} calls, of which each tour made so many questions to IAM: {dict(counted)};"
        f" {len(actions)} actions, all allowed",
    )


def test_dry_runs_are_denied_only_for_placeholder_resources(judged: list[Judged]) -> None:
    tried = [judgement for judgement in judged if judgement.call["is_dry"]]
    denied = [judgement for judgement in tried if not judgement.verdict.allowed]

    assert len(denied) > 20
    assert [str(judgement) for judgement in denied if judgement.verdict.error] == []
    named = {
        arn for judgement in denied for arn in judgement.verdict.denied if not STAND_IN.search(arn)
    }
    # A launch is tried in the VPC's default group, as the run has none yet.
    assert {arn.rpartition(":")[2].partition("/")[0] for arn in named} == {"security-group"}


def test_every_condition_key_is_provided_by_aws(judged: list[Judged]) -> None:
    assert {key for judgement in judged for key in judgement.verdict.ignored} == set()


def test_every_allowed_action_is_needed_by_a_call(judged: list[Judged]) -> None:
    used = [tuple(each) for judgement in judged for each in judgement.verdict.used]
    policies = filled_in(key_id="*", volume_id="*")

    assert set(actions_of(policies)) - {each[:3] for each in used} == set()
    unused = [
        (name, statement["Sid"], resource)
        for name, policy in policies.items()
        for statement in policy["Statement"]
        for resource in as_list(statement["Resource"])
        if not any(
            (use[0], use[1]) == (name, statement["Sid"]) and is_like(use[3], resource)
            for use in used
        )
    ]
    assert [allowed for allowed in unused if allowed[:2] not in WHOEVER_CALLS] == []


WHOEVER_CALLS = {("policy", "AskWhatIsAllowed"), ("policy", "FindOwnRole")}
"""Users and roles, with a path and without: a run has one caller."""


def is_like(arn: str, resource: str) -> bool:
    """Tell whether a policy's resource is meant by an ARN."""
    return fnmatchcase(arn, resource)


def test_preflight_requires_exactly_the_permissions_that_runs_use(
    judged: list[Judged], world: CloudWorld
) -> None:
    run, _ = with_everything(world)
    required = required_permissions(run)
    parameters = {question.action for requirement in required for question in requirement.questions}
    real = [judgement for judgement in judged if not judgement.call["is_dry"]]
    called = {
        judgement.question.action for judgement in real if judgement.call["step"] != "preflight"
    }
    by_checks = {
        judgement.question.action for judgement in real if judgement.call["step"] == "preflight"
    }

    with_key = set(allowed_by(LET_DISKS_USE_KEY, ENCRYPT_DISKS))
    # Without the list of prices notebake's own table is used, and without the versions a
    # verification says that these are not checked: so preflight asks for neither. Without copies
    # of the disks ahead of it an image takes longer.
    optional = set(allowed_by(READ_PRICES, READ_VERSIONS)) | actions_of_commands() | DISPENSABLE
    assert called - parameters - by_checks - with_key - optional == set()
    assert parameters - called == set()


def test_each_policy_fits_the_managed_policy_limit() -> None:
    for path in DEPLOYMENTS.glob("policy*.json"):
        assert len(re.sub(r"\s", "", path.read_text(encoding="utf-8"))) <= LONGEST, path.name


def test_every_policy_is_needed_by_some_scenario() -> None:
    files = {Path(path).stem for path in DEPLOYMENTS.glob("policy*.json")}

    needed = {name for tour in TOURS.values() for name in (*tour.policies, *tour.of_user)}
    assert needed == files
