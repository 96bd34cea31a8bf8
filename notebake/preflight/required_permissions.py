"""The permissions that one run needs, of all that are declared beside our calls.

A policy may depend on the tags of a resource, or on those in the request. So the questions to IAM's
simulation contain both; for DryRun, EC2 itself determines them.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from notebake.aws import tags
from notebake.aws.permissions import Permission, declared
from notebake.aws.policies import GETS_RUN, HAS_RUN, START_FROM, Statement
from notebake.errors import NotebakeError
from notebake.preflight.whole_calls import WholeCall, whole_calls
from notebake.runs.run import Run


class Question(NamedTuple):
    """An action on a resource, with the values for IAM's condition keys."""

    action: str
    arn: str
    context: dict[str, list[str]]

    def __str__(self) -> str:
        return f"{self.action} on {self.arn.rpartition(':')[2]}"


@dataclass(frozen=True)
class RequiredPermission:
    """A permission that a run needs."""

    permission: Permission
    questions: tuple[Question, ...]
    """All of them must be allowed."""
    parameters: Mapping[str, Any] | None = None
    """The parameters of the call to try, or None."""
    is_whole: bool = False
    """Whether the trial has the parameters of the real call, so that the build fails likewise."""
    is_sure: bool = True
    """False if the call is made only when an earlier one lacks capacity."""
    only_for: str = ""
    """The command that needs it, if a build does not."""

    @property
    def name(self) -> str:
        return self.permission.name


def required_permissions(run: Run) -> list[RequiredPermission]:
    """Return the permissions for a build, its tear-down, and other commands."""
    calls: list[WholeCall] = []
    # If the parameters of a launch cannot be determined, other checks report the reason.
    with suppress(NotebakeError):
        calls.extend(whole_calls(run))
    return [
        required
        for permission in declared()
        if permission.is_needed(run) and not permission.by_check
        for required in as_required(permission, run, calls)
    ]


def as_required(
    permission: Permission, run: Run, calls: list[WholeCall]
) -> Iterator[RequiredPermission]:
    """Yield a permission once for each of its calls."""
    is_whole = permission.made is not None and not permission.trial
    whole = [call for call in calls if is_whole and call.action == permission.action]
    for call in whole:
        questions = tuple(questions_of(permission, run, call.starts_from))
        trial = with_run_tags(call.parameters, permission, run)
        yield RequiredPermission(permission, questions, trial, True, call.is_sure)
    if not whole:
        yield RequiredPermission(
            permission,
            tuple(questions_of(permission, run)),
            trial_of(permission, run),
            is_whole,
            only_for="" if permission.is_for_build(run) else permission.only_for,
        )


def trial_of(permission: Permission, run: Run) -> Mapping[str, Any] | None:
    """Return the parameters of a trial, which name no existing resource; None for no trial."""
    is_ec2 = permission.action.startswith("ec2:")
    if not is_ec2 or not (permission.trial or permission.is_reading):
        return None
    trial = {key: each(run) if callable(each) else each for key, each in permission.trial.items()}
    return with_run_tags(trial, permission, run)


def with_run_tags(
    parameters: Mapping[str, Any], permission: Permission, run: Run
) -> Mapping[str, Any]:
    """Return the parameters with the run's tags for the resources that the call creates."""
    if permission.made is None:
        return parameters
    marked = tags.specifications(tags.tags_for(run, "builder"), *permission.made.kinds)
    return {**parameters, "TagSpecifications": marked}


def questions_of(
    permission: Permission, run: Run, starts_from: tuple[str, ...] = ()
) -> Iterator[Question]:
    """Yield what a policy must allow: the action on each resource, and the tags of new ones."""
    for statement in permission.statements:
        context = context_of(statement, permission, run)
        is_named = bool(starts_from) and statement.sid == START_FROM.sid
        for arn in START_FROM.on(*starts_from).resources if is_named else statement.owned_by(run):
            yield Question(permission.action, arn, context)
            if statement == permission.made:
                made_by = {"ec2:CreateAction": [permission.action.removeprefix("ec2:")]}
                yield Question("ec2:CreateTags", arn, context | made_by)


def context_of(statement: Statement, permission: Permission, run: Run) -> dict[str, list[str]]:
    """Return the values for a statement's condition keys: tags of the resource and the request."""
    marks = tags.tags_for(run, "builder")
    has = marks if statement.has_condition_on(HAS_RUN) else {}
    put = {tag["Key"]: "x" for tag in permission.trial.get("Tags", ())}
    gets = marks if statement.has_condition_on(GETS_RUN) else put
    found = {f"aws:RequestTag/{key}": [value] for key, value in gets.items()}
    for key, value in has.items():
        found |= {f"{service}:ResourceTag/{key}": [value] for service in ("aws", "ec2")}
    if gets:
        found["aws:TagKeys"] = list(gets)
    if service := statement.condition.get("StringEquals", {}).get("iam:PassedToService"):
        found["iam:PassedToService"] = [service]
    return found
