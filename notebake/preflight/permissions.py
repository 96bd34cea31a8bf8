"""What the credentials allow: every changing call is tried before the first one is made.

EC2 does not say in which order it looks for permissions and for what a call names. So a stand-in id
that is "not found" is no permission, and a refusal of one may be meant for it alone, where a policy
goes by tags. Both are put to IAM's simulation, with the tags that the real things will have.
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
from notebake.preflight.simulation import SIMULATION, ask_simulation
from notebake.runs.run import Run

AT_ONCE = 6
HARMLESS = "ec2:DeleteKeyPair"
"""Even where it is carried out: EC2 does not mind a key pair that is not there."""


class Open(NamedTuple):
    """A permission that a trial did not settle."""

    required: RequiredPermission
    denied: str = ""
    """The action that EC2 said is not allowed, on what the trial named; "" where it did not."""


@dataclass
class Answers:
    """The permissions by how they were answered."""

    allowed: list[str] = field(default_factory=list)
    simulated: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    not_needed: list[str] = field(default_factory=list)
    """What is missing, but only for another command."""
    refusals: list[str] = field(default_factory=list)
    """What EC2 would refuse to anybody, in its own words."""
    doubts: list[str] = field(default_factory=list)
    """The same of what may never be asked for."""


def check_permissions(run: Run) -> Iterable[Finding]:
    """Every permission that a build and its tear-down need, in one list."""
    region, every = run.recipe.region, required_permissions(run)
    tried = [required for required in every if required.parameters is not None]
    first = next(required for required in tried if required.permission.action == HARMLESS)
    if try_permission(first, region).outcome == "done":
        yield not_checked("This cloud does not heed DryRun: no permission was asked for.")
        return
    untried = [required for required in every if required.parameters is None]
    answers = Answers(unknown=[required.name for required in untried if required.is_whole])
    opened = [Open(required) for required in untried if not required.is_whole]
    for required, result in zip(tried, try_all(tried, region), strict=True):
        opened += sort_in(required, result, answers)
    questions = [question for one in opened for question in one.required.questions]
    simulation = ask_simulation(questions, account.caller(region), region)
    for one in opened:
        settle(one, simulation.verdict(one.required.questions), answers)
    yield from as_findings(answers, simulation.why_not)


def try_all(tried: list[RequiredPermission], region: str) -> list[DryRunResult]:
    """Return EC2's answers, in the order of the permissions."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="trial") as pool:
        sent = [pool.submit(copy_context().run, try_permission, one, region) for one in tried]
        return [answer.result() for answer in sent]


def try_permission(required: RequiredPermission, region: str) -> DryRunResult:
    """Return EC2's answer to one call."""
    return try_call(required.permission.operation, required.parameters or {}, region)


def sort_in(required: RequiredPermission, result: DryRunResult, answers: Answers) -> list[Open]:
    """Put an answer where it belongs; return the permission if it stays open."""
    permission = required.permission
    denied = (result.missing_action or required.name) if result.outcome == "denied" else ""
    if result.outcome == "allowed" or (result.outcome == "done" and permission.is_reading):
        answers.allowed.append(required.name)
    elif result.outcome == "done":
        answers.refusals.append(f"{permission.action} was carried out although it was only tried.")
    elif denied and required.is_whole and not is_of_stand_in(result):
        answers.missing.append(denied)
    elif result.outcome == "refused" and required.is_whole:
        (answers.refusals if required.is_sure else answers.doubts).append(result.message)
    else:
        return [Open(required, denied)]
    return []


def is_of_stand_in(result: DryRunResult) -> bool:
    """Tell whether a launch was denied for the group alone, which is not the run's own yet.

    What names no group gets the VPC's default group, which a policy that goes by tags leaves out.
    """
    is_group = ":security-group/" in result.denied_on
    return is_group and result.missing_action == "ec2:RunInstances" and not result.is_explicit


def settle(opened: Open, verdict: bool | list[str] | None, answers: Answers) -> None:
    """Sort in what IAM's simulation says: whether it is allowed, or what of it is not."""
    required = opened.required
    missing = verdict if isinstance(verdict, list) else [opened.denied] if opened.denied else []
    if verdict is True:
        answers.simulated.append(required.name)
    elif required.only_for and missing:
        said = f"The credentials may not {', '.join(missing)}, which {required.only_for} needs."
        answers.not_needed.append(said)
    elif missing:
        answers.missing += missing
    else:
        answers.unknown.append(required.name)


def as_findings(answers: Answers, reason: str) -> Iterable[Finding]:
    """Yield one finding for each kind of answer."""
    if answers.allowed:
        yield good(f"AWS would allow {listed(answers.allowed)}.")
    if answers.simulated:
        yield good(f"By IAM's simulation, the policies allow {listed(answers.simulated)}.")
    for one in dict.fromkeys(answers.refusals):
        yield wrong(one)
    if answers.missing:
        yield wrong(
            "The credentials may not do all that a build needs.",
            f"Ask for these permissions: {listed(answers.missing)}."
            f" A policy that allows by tag must also allow {SIMULATION}, to be understood here."
            f" {reason}".rstrip(),
        )
    for one in dict.fromkeys(answers.not_needed):
        yield not_checked(one)
    for one in dict.fromkeys(answers.doubts):
        yield not_checked(f"Whether the first types have room shows at launch. Else: {one}")
    if answers.unknown:
        yield not_checked(
            f"Whether the credentials allow {listed(answers.unknown)}: AWS does not say so before"
            " there is something to do it to.",
            reason,
        )


def listed(actions: list[str]) -> str:
    """Return the actions, each once, sorted."""
    return ", ".join(sorted(set(actions)))
