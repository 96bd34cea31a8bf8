"""What IAM's simulation says of the permissions that no trial could tell.

A role's session may be allowed less than the role, and what is acted on may have a policy of its
own: neither is looked at.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from notebake.aws.account import Caller
from notebake.aws.dry_run import principal_of, simulate
from notebake.errors import CloudError
from notebake.preflight.required_permissions import Permission, Thing
from notebake.runs.run import Run

SIMULATION, LOOK_UP = "iam:SimulatePrincipalPolicy", "iam:GetRole"
Decisions = dict[tuple[str, str], bool | None]


@dataclass(frozen=True)
class Open:
    """A permission that a trial did not settle."""

    ask: Permission
    denied: str = ""
    """The action that EC2 said is not allowed, on what the trial named; "" where it did not."""


@dataclass
class Simulation:
    """IAM as it is asked about whoever calls; `why_not` says why it was not to be asked."""

    run: Run
    caller: Caller
    why_not: str = ""

    def decide(self, opened: list[Open]) -> list[bool | list[str] | None]:
        """Return of each whether it is allowed, or else what of it is not; None: not to be told."""
        principal = self._principal() if opened else None
        decisions: Decisions = {}
        if principal:
            try:
                decisions = self._ask(principal, opened)
            except CloudError as error:
                self.why_not = f"{SIMULATION} was not possible ({error.code or 'no answer'})."
        return [self._verdict(one.ask, decisions) for one in opened]

    def _principal(self) -> str | None:
        """Return the user or role whose policies can be simulated."""
        try:
            found = principal_of(self.caller, self.run.recipe.region)
        except CloudError as error:
            self.why_not = f"{LOOK_UP} was not possible ({error.code or 'no answer'})."
            return None
        if found is None:
            self.why_not = f"IAM cannot simulate the policies of {self.caller.arn}."
        return found

    def _ask(self, principal: str, opened: list[Open]) -> Decisions:
        """Return IAM's decisions: all actions on the same thing are asked about at once."""
        region = self.run.recipe.region
        groups: dict[str, tuple[Thing, list[str]]] = {}
        for action, thing in self._questions(opened):
            group = groups.setdefault(self._key(thing), (thing, []))
            if action not in group[1]:
                group[1].append(action)
        decisions: Decisions = {}
        for key, (thing, actions) in groups.items():
            context = {"aws:RequestedRegion": [region], "ec2:Region": [region]} | thing.context()
            arn = thing.arn(self.caller, region)
            found = simulate(principal, actions, arn, context, region)
            decisions |= {(action, key): allowed for action, allowed in found.items()}
        return decisions

    def _questions(self, opened: list[Open]) -> Iterator[tuple[str, Thing]]:
        for one in opened:
            yield from one.ask.questions

    def _key(self, thing: Thing) -> str:
        """Return what is the same for things about which one question can be asked."""
        arn = thing.arn(self.caller, self.run.recipe.region)
        return json.dumps([arn, thing.context()], sort_keys=True)

    def _verdict(self, ask: Permission, decisions: Decisions) -> bool | list[str] | None:
        """Return whether all of an ask is allowed, or what of it is not."""
        answers = [
            (action, on, decisions.get((action, self._key(on)))) for action, on in ask.questions
        ]
        denied = [(action, on) for action, on, allowed in answers if allowed is False]
        if denied:
            is_all = len(denied) == len(answers)
            return [action if is_all else f"{action} on {on}" for action, on in denied]
        return None if any(allowed is None for _, _, allowed in answers) else True
