"""What the credentials allow: every changing call is tried before the first one is made.

EC2 does not say in which order it looks for permissions and for what a call names. So a stand-in id
that is "not found" is no permission, and a refusal of one may be meant for it alone, where a policy
goes by tags. Both are put to IAM's simulation, with the tags that the real things will have.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field

from notebake.aws import account
from notebake.aws.dry_run import DryRunResult, try_call
from notebake.errors import NotebakeError
from notebake.preflight.asks_of_ec2 import asks_about_nothing
from notebake.preflight.asks_of_others import asks_without_trial
from notebake.preflight.asks_to_make import asks_to_make
from notebake.preflight.finding import Finding, good, not_checked, wrong
from notebake.preflight.required_permissions import Permission
from notebake.preflight.simulation import SIMULATION, Open, Simulation
from notebake.runs.run import Run

AT_ONCE = 6


@dataclass
class Answers:
    """The permissions by how they were answered, each once and in order."""

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
    region = run.recipe.region
    first, *others = asks_about_nothing(run)
    # Harmless even where it is carried out: EC2 does not mind a key pair that is not there.
    if try_ask(first, region).outcome == "done":
        yield not_checked("This cloud does not heed DryRun: no permission was asked for.")
        return
    answers = Answers()
    asked = [first, *others, *made_by(run, answers)]
    opened = [
        one
        for each, trial in zip(asked, try_all(asked, region), strict=True)
        if (one := sort_in(each, trial, answers))
    ]
    caller = account.caller(region)
    opened += [Open(one) for one in asks_without_trial(run, caller)]
    simulation = Simulation(run, caller)
    for one, verdict in zip(opened, simulation.decide(opened), strict=True):
        settle(one, verdict, answers)
    yield from as_findings(answers, simulation.why_not)


def made_by(run: Run, answers: Answers) -> list[Permission]:
    """Return the creating asks; the launch is unknown where its start is."""
    asks: list[Permission] = []
    # Where it cannot be told what a launch starts from, other checks say why.
    with suppress(NotebakeError):
        asks.extend(asks_to_make(run))
    if not any(one.action == "ec2:RunInstances" for one in asks):
        answers.unknown.append("ec2:RunInstances")
    return asks


def try_all(asks: list[Permission], region: str) -> list[DryRunResult]:
    """Return EC2's answers, in the order of the asks."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="trial") as pool:
        sent = [pool.submit(copy_context().run, try_ask, one, region) for one in asks]
        return [one.result() for one in sent]


def try_ask(one: Permission, region: str) -> DryRunResult:
    """Return EC2's answer to one."""
    return try_call(one.operation, one.parameters or {}, region)


def sort_in(one: Permission, trial: DryRunResult, answers: Answers) -> Open | None:
    """Put an answer where it belongs; return the ask if it stays open."""
    if trial.outcome == "allowed" or (trial.outcome == "done" and one.is_reading):
        answers.allowed.append(one.name)
    elif trial.outcome == "done":
        answers.refusals.append(f"{one.action} was carried out although it was only tried.")
    elif trial.outcome == "denied" and one.is_whole and not is_of_stand_in(trial):
        answers.missing.append(trial.missing_action or one.name)
    elif trial.outcome == "refused" and one.is_whole:
        (answers.refusals if one.is_sure else answers.doubts).append(trial.message)
    else:
        return Open(one, trial.missing_action or one.name if trial.outcome == "denied" else "")
    return None


def is_of_stand_in(trial: DryRunResult) -> bool:
    """Tell whether a launch was denied for the group alone, which is not the run's own yet.

    What names no group gets the VPC's default group, which a policy that goes by tags leaves out.
    """
    is_group = ":security-group/" in trial.denied_on
    return is_group and trial.missing_action == "ec2:RunInstances" and not trial.is_explicit


def settle(one: Open, verdict: bool | list[str] | None, answers: Answers) -> None:
    """Sort in what IAM's simulation says of an open ask: whether it is allowed, or what is not."""
    if verdict is True:
        answers.simulated.append(one.ask.name)
        return
    missing = verdict if isinstance(verdict, list) else [one.denied] if one.denied else []
    if one.ask.only_for and missing:
        said = f"The credentials may not {', '.join(missing)}, which {one.ask.only_for} needs."
        answers.not_needed.append(said)
    elif missing:
        answers.missing += missing
    else:
        answers.unknown.append(one.ask.name)


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
    """Return the actions, each once, in order."""
    return ", ".join(dict.fromkeys(actions))
