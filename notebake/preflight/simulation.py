"""What IAM's simulation says of the permissions that no trial could tell.

A role's session may be allowed less than the role, and what is acted on may have a policy of its
own: neither is looked at.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple

from notebake.aws.account import Caller
from notebake.aws.dry_run import principal_of, simulate
from notebake.errors import CloudError
from notebake.preflight.required_permissions import Question

SIMULATION, LOOK_UP = "iam:SimulatePrincipalPolicy", "iam:GetRole"
Decisions = dict[tuple[str, str], bool | None]


class Simulation(NamedTuple):
    """What IAM decided, or why it was not to be asked."""

    decisions: Decisions
    why_not: str = ""

    def verdict(self, questions: Sequence[Question]) -> bool | list[str] | None:
        """Return whether all is allowed, or else what of it is not; None: not to be told."""
        answers = [
            self.decisions.get((question.action, key_of(question))) for question in questions
        ]
        pairs = zip(questions, answers, strict=True)
        if denied := [question for question, allowed in pairs if allowed is False]:
            is_all = len(denied) == len(questions)
            return [question.action if is_all else str(question) for question in denied]
        return None if None in answers else True


def ask_simulation(questions: Sequence[Question], caller: Caller, region: str) -> Simulation:
    """Ask IAM about whoever calls, if there is anything to ask."""
    failing = LOOK_UP
    try:
        principal = principal_of(caller, region) if questions else ""
        if principal is None:
            return Simulation({}, f"IAM cannot simulate the policies of {caller.arn}.")
        failing = SIMULATION
        return Simulation(decide(questions, principal, caller, region))
    except CloudError as error:
        return Simulation({}, f"{failing} was not possible ({error.code or 'no answer'}).")


def decide(questions: Sequence[Question], principal: str, caller: Caller, region: str) -> Decisions:
    """Return IAM's decisions: all actions on the same thing are asked about at once."""
    groups: dict[str, list[Question]] = {}
    for question in questions:
        groups.setdefault(key_of(question), []).append(question)
    decisions: Decisions = {}
    for key, alike in groups.items():
        actions = list(dict.fromkeys(question.action for question in alike))
        context = {"aws:RequestedRegion": [region], "ec2:Region": [region]} | alike[0].context
        arn = whole_arn(alike[0].arn, caller, region)
        found = simulate(principal, actions, arn, context, region)
        decisions |= {(action, key): allowed for action, allowed in found.items()}
    return decisions


def key_of(question: Question) -> str:
    """Return what is the same for questions that can be asked as one."""
    return json.dumps([question.arn, question.context], sort_keys=True)


def whole_arn(arn: str, caller: Caller, region: str) -> str:
    """Return an ARN of our policies in the caller's partition and account, and the region."""
    if arn == "*":
        return arn
    own = ("", caller.partition, "", region, caller.account)
    *said, name = arn.split(":", 5)
    return ":".join(
        [mine if word == "*" else word for word, mine in zip(said, own, strict=True)] + [name]
    )
