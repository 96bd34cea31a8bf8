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
from itertools import groupby

from notebake.aws import facts, tags
from notebake.aws.trials import Trial, principal_of, simulate, try_call
from notebake.errors import CloudError, NotebakeError
from notebake.preflight.asks import Ask, asks_about_nothing, asks_of_others, asks_to_make
from notebake.preflight.finding import Finding, good, not_checked, wrong
from notebake.records import Run

AT_ONCE = 6
SIMULATION = "iam:SimulatePrincipalPolicy"


@dataclass
class Answers:
    """The permissions by how they were answered, each action once and in order."""

    allowed: list[str] = field(default_factory=list)
    simulated: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    """What EC2 would refuse to anybody, in its own words."""


def check_permissions(run: Run) -> Iterable[Finding]:
    """Every permission that a build and its tear-down need, in one list."""
    region = run.recipe.region
    first, *others = asks_about_nothing(run)
    # Harmless even where it is carried out: EC2 does not mind a key pair that is not there.
    if try_ask(first, region).outcome == "done":
        yield not_checked("This cloud does not heed DryRun: no permission was asked for.")
        return
    answers = Answers()
    open_asks: list[tuple[Ask, bool]] = []
    asked = [first, *others, *made_by(run, answers)]
    for one, trial in zip(asked, try_all(asked, region), strict=True):
        sort_in(one, trial, answers, open_asks)
    caller = facts.caller(region)
    open_asks += [(one, False) for one in asks_of_others(run, caller.account)]
    reason = settle_by_simulation(run, caller, open_asks, answers)
    yield from as_findings(answers, reason)


def made_by(run: Run, answers: Answers) -> list[Ask]:
    """Return the creating asks; the launch is unknown where its start is."""
    asks: list[Ask] = []
    # Where it cannot be told what a launch starts from, other checks say why.
    with suppress(NotebakeError):
        asks.extend(asks_to_make(run))
    if not any(one.action == "ec2:RunInstances" for one in asks):
        answers.unknown.append("ec2:RunInstances")
    return asks


def try_all(asks: list[Ask], region: str) -> list[Trial]:
    """Return EC2's answers, in the order of the asks."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="trial") as pool:
        sent = [pool.submit(copy_context().run, try_ask, one, region) for one in asks]
        return [one.result() for one in sent]


def try_ask(one: Ask, region: str) -> Trial:
    """Return EC2's answer to one."""
    return try_call(one.operation, one.parameters or {}, region)


def sort_in(one: Ask, trial: Trial, answers: Answers, open_asks: list[tuple[Ask, bool]]) -> None:
    """Put an answer where it belongs, or the ask among those that are open, and whether denied."""
    if trial.outcome == "allowed":
        answers.allowed.append(one.action)
    elif trial.outcome == "done":
        answers.refusals.append(f"{one.action} was carried out although it was only tried.")
    elif trial.outcome == "denied" and one.is_whole:
        answers.missing.append(trial.missing_action or one.action)
    elif trial.outcome == "refused" and one.is_whole:
        answers.refusals.append(trial.message)
    else:
        open_asks.append((one, trial.outcome == "denied"))


def settle_by_simulation(
    run: Run, caller: facts.Caller, open_asks: list[tuple[Ask, bool]], answers: Answers
) -> str:
    """Sort in what IAM says of the open asks; return why it says nothing, if it does not."""
    decided: dict[str, bool | None] = {}
    reason = ""
    try:
        principal = principal_of(caller) if open_asks else None
        if open_asks and principal is None:
            reason = f"IAM cannot simulate the policies of {caller.arn}."
        elif principal:
            decided = simulate_all(run, caller, principal, [one for one, _ in open_asks])
    except CloudError as error:
        reason = f"{SIMULATION} was not possible ({error.code or 'no answer'})."
    for one, was_denied in open_asks:
        is_allowed = decided.get(one.action)
        if is_allowed:
            answers.simulated.append(one.action)
        elif was_denied or is_allowed is False:
            answers.missing.append(one.action)
        else:
            answers.unknown.append(one.action)
    return reason


def simulate_all(
    run: Run, caller: facts.Caller, principal: str, asks: list[Ask]
) -> dict[str, bool | None]:
    """Return IAM's decisions by action, on things that carry the tags of the run."""
    context = {"aws:RequestedRegion": run.recipe.region}
    for key, value in tags.tags_for(run, "builder").items():
        context |= {f"aws:ResourceTag/{key}": value, f"ec2:ResourceTag/{key}": value}
    partition = caller.arn.split(":")[1]
    place = f"arn:{partition}:ec2:{run.recipe.region}:{caller.account}"
    decided: dict[str, bool | None] = {}
    ordered = sorted(asks, key=lambda one: one.resource)
    for resource, group in groupby(ordered, key=lambda one: one.resource):
        arn = resource if resource.startswith("arn:") else f"{place}:{resource}"
        more = {"iam:PassedToService": "scheduler.amazonaws.com"} if ":role/" in arn else {}
        actions = list(dict.fromkeys(one.action for one in group))
        decided |= simulate(principal, actions, arn, context | more)
    return decided


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
            f" A policy that allows by tag must also allow {SIMULATION}, to be understood here.",
        )
    if answers.unknown:
        yield not_checked(
            f"Whether the credentials allow {listed(answers.unknown)}: AWS does not say so before"
            " there is something to do it to.",
            reason,
        )


def listed(actions: list[str]) -> str:
    """Return the actions, each once, in order."""
    return ", ".join(dict.fromkeys(actions))
