"""The permissions of the credentials: every changing call is tried with DryRun first.

EC2 may check that a resource exists before or after it checks the permission. So "not found" for a
stand-in id does not prove a permission, and a denial may apply to the stand-in alone if a policy
depends on tags. Both cases are simulated by IAM with the tags that the real resources will have.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import NamedTuple

from notebake.aws import account
from notebake.aws.dry_run import DryRunResult, try_call
from notebake.preflight.finding import Finding, good, not_checked, wrong
from notebake.preflight.required_permissions import RequiredPermission, required_permissions
from notebake.preflight.simulation import SIMULATION, simulate_permissions
from notebake.runs.run import Run

AT_ONCE = 6
HARMLESS = "ec2:DeleteKeyPair"
"""Harmless even if DryRun is ignored: EC2 ignores a missing key pair."""


class Unsettled(NamedTuple):
    """A permission that DryRun could not determine."""

    required: RequiredPermission
    denied: str = ""
    """The action that EC2 denied on the stand-in, or ""."""


@dataclass
class Answers:
    """The permissions by the results of their checks."""

    allowed: list[str] = field(default_factory=list)
    simulated: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    not_needed: list[str] = field(default_factory=list)
    """Missing permissions that only another command needs."""
    refusals: list[str] = field(default_factory=list)
    """EC2's messages for calls that fail for another reason than permissions."""
    doubts: list[str] = field(default_factory=list)
    """The same for calls that may never be made."""


def check_permissions(run: Run) -> Iterable[Finding]:
    """Check every permission that a build and its tear-down need."""
    region, every = run.recipe.region, required_permissions(run)
    tried = [required for required in every if required.parameters is not None]
    first = next(required for required in tried if required.permission.action == HARMLESS)
    if try_permission(first, region).outcome == "done":
        yield not_checked("This cloud ignores DryRun: no permission was checked.")
        return
    untried = [required for required in every if required.parameters is None]
    answers = Answers(unknown=[required.name for required in untried if required.is_whole])
    unsettled = [Unsettled(required) for required in untried if not required.is_whole]
    for required, result in zip(tried, try_all(tried, region), strict=True):
        unsettled += record_result(required, result, answers)
    questions = [question for doubtful in unsettled for question in doubtful.required.questions]
    simulation = simulate_permissions(questions, account.caller(region), region)
    for doubtful in unsettled:
        record_simulation(doubtful, simulation.verdict(doubtful.required.questions), answers)
    yield from as_findings(answers, simulation.why_not)


def try_all(tried: list[RequiredPermission], region: str) -> list[DryRunResult]:
    """Return the results of DryRun in the order of the permissions."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="trial") as pool:
        sent = [
            pool.submit(copy_context().run, try_permission, required, region) for required in tried
        ]
        return [answer.result() for answer in sent]


def try_permission(required: RequiredPermission, region: str) -> DryRunResult:
    """Return the result of DryRun for one call."""
    return try_call(required.permission.operation, required.parameters or {}, region)


def record_result(
    required: RequiredPermission, result: DryRunResult, answers: Answers
) -> list[Unsettled]:
    """Record a result of DryRun; return the permission if it remains unsettled."""
    permission = required.permission
    denied = (result.denial[0] or required.name) if result.outcome == "denied" else ""
    if result.outcome == "allowed" or (result.outcome == "done" and permission.is_reading):
        answers.allowed.append(required.name)
    elif result.outcome == "done":
        answers.refusals.append(f"{permission.action} was carried out in spite of DryRun.")
    elif denied and required.is_whole and not is_only_about_group(result):
        answers.missing.append(denied)
    elif result.outcome == "refused" and required.is_whole:
        (answers.refusals if required.is_sure else answers.doubts).append(result.message)
    else:
        return [Unsettled(required, denied)]
    return []


def is_only_about_group(result: DryRunResult) -> bool:
    """Return whether a launch was denied only because of the security group.

    A trial names no group, so it gets the VPC's default group, which lacks the run's tag.
    """
    action, arn = result.denial
    is_launch = action == "ec2:RunInstances"
    return is_launch and ":security-group/" in arn and not result.is_explicit


def record_simulation(
    unsettled: Unsettled, verdict: bool | list[str] | None, answers: Answers
) -> None:
    """Record a result of IAM's simulation: whether it is allowed, or which actions are not."""
    required = unsettled.required
    missing = (
        verdict if isinstance(verdict, list) else [unsettled.denied] if unsettled.denied else []
    )
    if verdict is True:
        answers.simulated.append(required.name)
    elif required.only_for and missing:
        answers.not_needed.append(
            f"The credentials may not {', '.join(missing)}, which {required.only_for} needs."
        )
    elif missing:
        answers.missing += missing
    else:
        answers.unknown.append(required.name)


def as_findings(answers: Answers, reason: str) -> Iterable[Finding]:
    """Yield one finding for each kind of result."""
    if answers.allowed:
        yield good(f"AWS would allow {listed(answers.allowed)}.")
    if answers.simulated:
        yield good(f"By IAM's simulation, the policies allow {listed(answers.simulated)}.")
    for refusal in dict.fromkeys(answers.refusals):
        yield wrong(refusal)
    if answers.missing:
        yield wrong(
            "The credentials lack permissions that a build needs.",
            f"Ask for these permissions: {listed(answers.missing)}."
            f" Policies with conditions on tags can be checked only with {SIMULATION}."
            f" {reason}".rstrip(),
        )
    for text in dict.fromkeys(answers.not_needed):
        yield not_checked(text)
    for doubt in dict.fromkeys(answers.doubts):
        yield not_checked(f"If the first types lack capacity at launch: {doubt}")
    if answers.unknown:
        yield not_checked(
            f"Whether the credentials allow {listed(answers.unknown)}: AWS cannot check that before"
            " the resources exist.",
            reason,
        )


def listed(actions: list[str]) -> str:
    """Return the actions, each once, sorted."""
    return ", ".join(sorted(set(actions)))
