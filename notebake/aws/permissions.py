"""The permissions that each call needs, declared above the function that makes it.

    @needs("ec2:StopInstances", USE_OURS.on("instance"), InstanceIds=[INSTANCE.stand_in])
    def stop_instance(...)

A declaration holds the action, the statements of our policies that allow it, and the parameters
with which preflight tries the call. Preflight and deployments/policy*.json use them.
"""

import importlib
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import notebake.aws
from notebake.aws.policies import GETS_RUN, PolicyFile, RecipeStack, Statement

F = TypeVar("F", bound=Callable[..., Any])
SURVEYS = "`notebake survey` and `notebake sweep`"
_declared: list["Permission"] = []


@dataclass(frozen=True)
class Permission:
    """An action that a call needs, and how preflight checks whether it is allowed."""

    action: str
    statements: tuple[Statement, ...]
    """All of them are needed, on all their resources."""
    trial: Mapping[str, Any] = field(default_factory=dict)
    """Parameters of the trial, which name no existing resource; a function gets the stack."""
    called: str = ""
    """The name for people, if several permissions have the same action."""
    only_for: str = ""
    """The command that needs it, if a build does not."""
    or_with: PolicyFile | None = None
    """A policy with which a build needs it, too."""
    by_check: bool = False
    """Whether preflight tries no call: a check makes the call itself or reports that it is not
    checked, or a run can do without it."""

    @property
    def name(self) -> str:
        return self.called or self.action

    def is_needed(self, stack: RecipeStack) -> bool:
        return bool(self.statements[0].file.is_needed(stack))

    def is_for_build(self, stack: RecipeStack) -> bool:
        """Return whether a build needs it, and not only another command."""
        with_policy = self.or_with and self.or_with.is_needed(stack)
        return not self.only_for or bool(with_policy)

    @property
    def operation(self) -> str:
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.action.partition(":")[2]).lower()

    @property
    def is_reading(self) -> bool:
        return self.operation.startswith(("describe_", "get_"))

    @property
    def made(self) -> Statement | None:
        """The statement for the resources that the call creates with tags."""
        return next(
            (statement for statement in self.statements if statement.has_condition_on(GETS_RUN)),
            None,
        )


def needs(
    action: str,
    *statements: Statement,
    called: str = "",
    only_for: str = "",
    or_with: PolicyFile | None = None,
    by_check: bool = False,
    **trial: Any,
) -> Callable[[F], F]:
    """Declare a permission that a function needs; for the arguments see Permission."""
    new = Permission(action, statements, trial, called, only_for, or_with, by_check)
    if new not in _declared:
        _declared.append(new)
    return lambda function: function


def declared() -> list[Permission]:
    """Return all declared permissions."""
    for module in pkgutil.iter_modules(notebake.aws.__path__):
        importlib.import_module(f"notebake.aws.{module.name}")
    return list(_declared)


def allowed_by(*statements: Statement) -> list[str]:
    """Return the actions that statements allow, sorted."""
    sids = {statement.sid for statement in statements}
    return sorted(
        {p.action for p in declared() if sids & {statement.sid for statement in p.statements}}
    )
