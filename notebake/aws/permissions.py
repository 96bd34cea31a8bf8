"""Which permissions each call of ours needs: said above the function that makes it.

    @needs("ec2:StopInstances", USE_OURS.on("instance"), InstanceIds=[INSTANCE.stand_in])
    def stop_instance(...)

These are the action, the statements of our policies that allow it, and the call by which preflight
tries it. What preflight asks and deployments/policy*.json are made of them.
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
    """An action that some call of ours needs, and how preflight finds out whether it is allowed."""

    action: str
    statements: tuple[Statement, ...]
    """Each of them is needed, on all its resources."""
    trial: Mapping[str, Any] = field(default_factory=dict)
    """Parameters to try the call with, which name nothing that is there; a function is given the
    stack."""
    called: str = ""
    """What people read, where the action is asked for more than once."""
    only_for: str = ""
    """The command that needs it, where a build does not."""
    or_with: PolicyFile | None = None
    """Whoever needs this policy needs it for a build, too."""
    by_check: bool = False
    """Whether a check of preflight makes the call itself, or says that nobody can tell."""

    @property
    def name(self) -> str:
        return self.called or self.action

    def is_needed(self, stack: RecipeStack) -> bool:
        """Tell whether somebody who makes a stack needs the policy that allows it."""
        return bool(self.statements[0].file.is_needed(stack))

    def is_for_build(self, stack: RecipeStack) -> bool:
        """Tell whether a build needs it, and not only another command."""
        with_policy = self.or_with and self.or_with.is_needed(stack)
        return not self.only_for or bool(with_policy)

    @property
    def operation(self) -> str:
        """The call's name in a client."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.action.partition(":")[2]).lower()

    @property
    def is_reading(self) -> bool:
        """Whether the call changes nothing even where it is carried out."""
        return self.operation.startswith(("describe_", "get_"))

    @property
    def made(self) -> Statement | None:
        """What the call makes and tags."""
        return next((one for one in self.statements if one.looks_at(GETS_RUN)), None)


def needs(
    action: str,
    *statements: Statement,
    called: str = "",
    only_for: str = "",
    or_with: PolicyFile | None = None,
    by_check: bool = False,
    **trial: Any,
) -> Callable[[F], F]:
    """Declare that a function makes a call which needs a permission; see the fields of that."""
    new = Permission(action, statements, trial, called, only_for, or_with, by_check)
    if new not in _declared:
        _declared.append(new)
    return lambda function: function


def declared() -> list[Permission]:
    """Return every permission that some call of ours needs."""
    for module in pkgutil.iter_modules(notebake.aws.__path__):
        importlib.import_module(f"notebake.aws.{module.name}")
    return list(_declared)


def allowed_by(*statements: Statement) -> list[str]:
    """Return all actions that statements allow, sorted."""
    sids = {one.sid for one in statements}
    return sorted({p.action for p in declared() if sids & {one.sid for one in p.statements}})
