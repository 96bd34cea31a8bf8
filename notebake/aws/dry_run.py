"""Permission checks without effects: EC2's DryRun, and IAM's policy simulation."""

import re
from collections.abc import Mapping
from typing import Any, Literal

from notebake.aws.account import Caller
from notebake.aws.clients import calling, connect
from notebake.aws.permissions import needs
from notebake.aws.policies import POLICY, Statement
from notebake.errors import CloudError
from notebake.record import Record

DENIAL = re.compile(r"not authorized to perform: ([\w-]+:\w+)(?: on resource: (\S+))?")
ASSUMED_ROLE = re.compile(r"arn:[\w-]+:sts::(\d{12}):assumed-role/([^/]+)/.+")
LISTS = frozenset(("aws:TagKeys",))
"""Condition keys of IAM with several values."""
ROLES = ("arn:*:iam::*:role/notebake-*", "arn:*:iam::*:role/*/notebake-*")
FIND_OWN_ROLE = Statement(
    POLICY, "FindOwnRole", "the path of the role, which its session's ARN leaves out", ROLES
)
SIMULATE_POLICIES = Statement(
    POLICY,
    "AskWhatIsAllowed",
    "what DryRun cannot check: permissions that depend on tags of resources not yet created",
    ("arn:*:iam::*:user/${aws:username}", "arn:*:iam::*:user/*/${aws:username}", *ROLES),
)


class DryRunResult(Record):
    """EC2's response to a call with DryRun.

    allowed: the call would succeed. denied: the credentials lack a permission. refused: it would
    fail for another reason. open: the result is unknown. done: DryRun was ignored.
    """

    outcome: Literal["allowed", "denied", "refused", "open", "done"]
    code: str = ""
    message: str = ""

    @property
    def denial(self) -> tuple[str, str]:
        """The denied action and the ARN of its resource in EC2's message, or "" for each."""
        found = DENIAL.search(self.message)
        return (found[1], found[2] or "") if found else ("", "")

    @property
    def is_explicit(self) -> bool:
        return "explicit deny" in self.message


def try_call(operation: str, parameters: Mapping[str, object], region: str) -> DryRunResult:
    """Return EC2's response to a call with DryRun.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html
    """
    try:
        with calling(f"check with DryRun whether EC2 would {operation.replace('_', ' ')}"):
            getattr(connect("ec2", region), operation)(**parameters, DryRun=True)
    except CloudError as error:
        if error.code == "DryRunOperation":
            return DryRunResult(outcome="allowed")
        if error.code == "UnauthorizedOperation":
            return DryRunResult(outcome="denied", code=error.code, message=error.message)
        is_open = error.is_transient or not error.code
        outcome: Literal["open", "refused"] = "open" if is_open else "refused"
        return DryRunResult(outcome=outcome, code=error.code, message=error.message)
    return DryRunResult(outcome="done")


@needs("iam:GetRole", FIND_OWN_ROLE, by_check=True)
def principal_of(caller: Caller, region: str) -> str | None:
    """Return the ARN of the user or role to simulate; None if IAM cannot simulate the caller.

    The ARN of a role's session lacks the path of the role, so the role is queried.
    """
    if re.fullmatch(r"arn:[\w-]+:iam::\d{12}:user/.+", caller.arn):
        return caller.arn
    found = ASSUMED_ROLE.fullmatch(caller.arn)
    if found is None:
        return None
    with calling(f"get the role {found[2]}"):
        answer = connect("iam", region).get_role(RoleName=found[2])
    return str(answer["Role"]["Arn"])


@needs("iam:SimulatePrincipalPolicy", SIMULATE_POLICIES, by_check=True)
def simulate(
    principal_arn: str,
    actions: list[str],
    resource_arn: str,
    context: Mapping[str, list[str]],
    region: str,
) -> dict[str, bool | None]:
    """Return whether the principal's policies allow each action on a resource that may not exist.

    None if context values are missing. Session policies and resource policies are not evaluated.
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
    """
    entries = [
        {
            "ContextKeyName": key,
            "ContextKeyValues": values,
            "ContextKeyType": "stringList" if key in LISTS else "string",
        }
        for key, values in context.items()
    ]
    iam = connect("iam", region)
    found: dict[str, bool | None] = {}
    with calling("simulate what the credentials allow"):
        pages = iam.get_paginator("simulate_principal_policy").paginate(
            PolicySourceArn=principal_arn,
            ActionNames=actions,
            ResourceArns=[resource_arn],
            ContextEntries=entries,
        )
        for page in pages:
            for result in page["EvaluationResults"]:
                found[result["EvalActionName"]] = _decision(result)
    return found


def _decision(result: dict[str, Any]) -> bool | None:
    """Return whether an action is allowed; None if context values were missing.

    For a named resource they are listed in its own result.
    """
    if result["EvalDecision"] == "allowed":
        return True
    results = [result, *result.get("ResourceSpecificResults", [])]
    return None if any(each.get("MissingContextValues") for each in results) else False
