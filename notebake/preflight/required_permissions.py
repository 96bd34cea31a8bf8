"""What one permission is asked for: an action, what it acts on, and the call to try it by.

A policy may go by the tags that a thing has, or by those that the request gives it. So each thing
says both, for IAM's simulation; EC2 itself finds them out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from notebake.aws import tags
from notebake.aws.account import Caller
from notebake.runs.run import Run

WITHOUT_ACCOUNT = frozenset(("image", "snapshot"))
"""EC2's ARNs of these hold no account: they may be another one's (Service Authorization Reference,
"Resource types defined by Amazon EC2")."""


@dataclass(frozen=True)
class Thing:
    """What an action acts on: one of a kind, or all of them."""

    kind: str
    """As the ARN has it, such as `instance`; "" where `name` is a whole ARN, or all there is."""
    name: str = "*"
    has: Mapping[str, str] = field(default_factory=dict)
    """The tags that it carries."""
    gets: Mapping[str, str] = field(default_factory=dict)
    """The tags that the request gives it, or takes off."""
    made_by: str = ""
    """The call that makes it and tags it so, where it is tagged in that call."""
    passed_to: str = ""
    """The service that a role is handed to."""

    def arn(self, caller: Caller, region: str) -> str:
        """Return its ARN in the caller's partition and account."""
        if not self.kind:
            return self.name
        account = "" if self.kind in WITHOUT_ACCOUNT else caller.account
        return f"arn:{caller.partition}:ec2:{region}:{account}:{self.kind}/{self.name}"

    def context(self) -> dict[str, list[str]]:
        """Return what a policy's conditions may look at, by IAM's names."""
        found = {f"aws:RequestTag/{key}": [value] for key, value in self.gets.items()}
        for key, value in self.has.items():
            found |= {f"{service}:ResourceTag/{key}": [value] for service in ("aws", "ec2")}
        if self.gets:
            found["aws:TagKeys"] = list(self.gets)
        if self.made_by:
            found["ec2:CreateAction"] = [self.made_by]
        if self.passed_to:
            found["iam:PassedToService"] = [self.passed_to]
        return found

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}" if self.kind else self.name


EVERYTHING = Thing("")


@dataclass(frozen=True)
class Permission:
    """One permission to ask for."""

    action: str
    on: tuple[Thing, ...]
    """Each of them must be allowed."""
    operation: str = ""
    """The call to try; empty where there is none."""
    parameters: Mapping[str, Any] | None = None
    is_whole: bool = False
    """Whether it is tried as it will be sent, so that each refusal is the build's own."""
    is_sure: bool = True
    """False: the call is made only where an earlier one found no room."""
    only_for: str = ""
    """The command that needs it, where a build does not."""
    called: str = ""
    """What people read, where the action is asked for more than once."""

    @property
    def name(self) -> str:
        return self.called or self.action

    @property
    def is_reading(self) -> bool:
        """Whether the call changes nothing even where it is carried out."""
        return self.operation.startswith(("describe_", "get_"))

    @property
    def questions(self) -> tuple[tuple[str, Thing], ...]:
        """What a policy must allow: each action with each thing.

        To tag what a call makes is a permission of its own.
        https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
        """
        made = self.action.removeprefix("ec2:")
        tagged = [replace(one, made_by=made) for one in self.on if one.gets and not one.has]
        return (
            *((self.action, one) for one in self.on),
            *(("ec2:CreateTags", one) for one in tagged),
        )


def ours(run: Run, *kinds: str) -> tuple[Thing, ...]:
    """Return things of the run that are there."""
    return tuple(Thing(kind, has=tags.tags_for(run, "builder")) for kind in kinds)


def new(run: Run, *kinds: str) -> tuple[Thing, ...]:
    """Return things that the request makes, tagged for the run."""
    return tuple(Thing(kind, gets=tags.tags_for(run, "builder")) for kind in kinds)


def getting(things: tuple[Thing, ...], key: str) -> tuple[Thing, ...]:
    """Return the things as the request puts a tag on them, or takes it off."""
    return tuple(replace(one, gets={key: "x"}) for one in things)


def ask(action: str, *on: Thing, **parameters: Any) -> Permission:
    """Return an ask of EC2, by the name of the action."""
    words = "".join(f"_{one.lower()}" if one.isupper() else one for one in action)
    return Permission(f"ec2:{action}", on, words.removeprefix("_"), parameters)
