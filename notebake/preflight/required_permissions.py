"""What is asked for one run of all that is declared beside our calls.

A policy may go by the tags that a thing has, or by those that the request gives it. So each
question says both, for IAM's simulation; EC2 itself finds them out.
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
    """An action on a resource, and what a policy's conditions may look at, by IAM's names."""

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
    """Each must be answered with yes."""
    parameters: Mapping[str, Any] | None = None
    """The call to try; None where there is none."""
    is_whole: bool = False
    """Whether it is tried as it will be sent, so that each refusal is the build's own."""
    is_sure: bool = True
    """False: the call is made only where an earlier one found no room."""
    only_for: str = ""
    """The command that needs it, where a build does not."""

    @property
    def name(self) -> str:
        return self.permission.name


def required_permissions(run: Run) -> list[RequiredPermission]:
    """Return all that a build and its tear-down need, and what only other commands do."""
    calls: list[WholeCall] = []
    # Where it cannot be told what a launch starts from, other checks say why.
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
    """Yield a permission for each way in which it is asked for."""
    is_whole = permission.made is not None and not permission.trial
    whole = [call for call in calls if is_whole and call.action == permission.action]
    for call in whole:
        questions = tuple(questions_of(permission, run, call.starts_from))
        trial = tagging(call.parameters, permission, run)
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
    """Return the parameters to try a call of EC2 with, which name nothing that is there."""
    is_ec2 = permission.action.startswith("ec2:")
    if not is_ec2 or not (permission.trial or permission.is_reading):
        return None
    said = {key: each(run) if callable(each) else each for key, each in permission.trial.items()}
    return tagging(said, permission, run)


def tagging(parameters: Mapping[str, Any], permission: Permission, run: Run) -> Mapping[str, Any]:
    """Return the parameters with those that put the run's tags on what the call makes."""
    if permission.made is None:
        return parameters
    marked = tags.specifications(tags.tags_for(run, "builder"), *permission.made.kinds)
    return {**parameters, "TagSpecifications": marked}


def questions_of(
    permission: Permission, run: Run, starts_from: tuple[str, ...] = ()
) -> Iterator[Question]:
    """Yield what a policy must allow: the action on each resource, and to tag what is made."""
    for statement in permission.statements:
        context = context_of(statement, permission, run)
        is_named = bool(starts_from) and statement.sid == START_FROM.sid
        for arn in START_FROM.on(*starts_from).resources if is_named else statement.owned_by(run):
            yield Question(permission.action, arn, context)
            if statement == permission.made:
                made_by = {"ec2:CreateAction": [permission.action.removeprefix("ec2:")]}
                yield Question("ec2:CreateTags", arn, context | made_by)


def context_of(statement: Statement, permission: Permission, run: Run) -> dict[str, list[str]]:
    """Return what a statement's condition may look at: the tags of a thing, and what is asked."""
    marks = tags.tags_for(run, "builder")
    has = marks if statement.looks_at(HAS_RUN) else {}
    put = {tag["Key"]: "x" for tag in permission.trial.get("Tags", ())}
    gets = marks if statement.looks_at(GETS_RUN) else put
    found = {f"aws:RequestTag/{key}": [value] for key, value in gets.items()}
    for key, value in has.items():
        found |= {f"{service}:ResourceTag/{key}": [value] for service in ("aws", "ec2")}
    if gets:
        found["aws:TagKeys"] = list(gets)
    if service := statement.condition.get("StringEquals", {}).get("iam:PassedToService"):
        found["iam:PassedToService"] = [service]
    return found
