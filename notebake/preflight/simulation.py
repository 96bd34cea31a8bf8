"""IAM's simulation of the permissions that DryRun could not determine.

Session policies and resource policies are not evaluated.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple

from notebake.aws.account import Caller
from notebake.aws.dry_run import principal_of, simulate
from notebake.errors import CloudError
from notebake.preflight.required_permissions import Question

SIMULATION, GET_ROLE = "iam:SimulatePrincipalPolicy", "iam:GetRole"
Decisions = dict[tuple[str, str], bool | None]


class Simulation(NamedTuple):
    """IAM's decisions, or why there are none."""

    decisions: Decisions
    why_not: str = ""

    def verdict(self, questions: Sequence[Question]) -> bool | list[str] | None:
        """Return True if all is allowed, the denied actions, or None if that is unknown."""
        answers = [
            self.decisions.get((question.action, key_of(question))) for question in questions
        ]
        pairs = zip(questions, answers, strict=True)
        if denied := [question for question, allowed in pairs if allowed is False]:
            is_all = len(denied) == len(questions)
            return [question.action if is_all else str(question) for question in denied]
        return None if None in answers else True


def simulate_permissions(questions: Sequence[Question], caller: Caller, region: str) -> Simulation:
    """Simulate the caller's policies, if there are any questions."""
    failing = GET_ROLE
    try:
        principal = principal_of(caller, region) if questions else ""
        if principal is None:
            return Simulation({}, f"IAM cannot simulate the policies of {caller.arn}.")
        failing = SIMULATION
        return Simulation(decide(questions, principal, caller, region))
    except CloudError as error:
        return Simulation({}, f"{failing} was not possible ({error.code or 'no answer'}).")


def decide(questions: Sequence[Question], principal: str, caller: Caller, region: str) -> Decisions:
    """Return IAM's decisions; all actions on the same resource are in one query."""
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
    """Return the key by which questions are grouped into one query."""
    return json.dumps([question.arn, question.context], sort_keys=True)


def whole_arn(arn: str, caller: Caller, region: str) -> str:
    """Return an ARN with `*` replaced by the caller's partition and account, and the region."""
    if arn == "*":
        return arn
    own = ("", caller.partition, "", region, caller.account)
    *parts, name = arn.split(":", 5)
    known = [value if part == "*" else part for part, value in zip(parts, own, strict=True)]
    return ":".join((*known, name))
