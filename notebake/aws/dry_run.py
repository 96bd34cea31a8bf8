"""Calls that are only tried: EC2's DryRun says whether it would do what it is asked, and IAM's
simulation whether a policy allows it."""

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
"""What IAM's conditions look at as a set of values."""
ROLES = ("arn:*:iam::*:role/notebake-*", "arn:*:iam::*:role/*/notebake-*")
FIND_OWN_ROLE = Statement(
    POLICY, "FindOwnRole", "the path of the role, which its session's ARN leaves out", ROLES
)
ASK_WHAT_IS_ALLOWED = Statement(
    POLICY,
    "AskWhatIsAllowed",
    "what no trial can tell: EC2's DryRun knows no tags of things that are not there yet",
    ("arn:*:iam::*:user/${aws:username}", "arn:*:iam::*:user/*/${aws:username}", *ROLES),
)


class DryRunResult(Record):
    """What EC2 answered to a call that was only tried.

    allowed: it would do it. denied: the credentials may not. refused: it would not, for another
    reason. open: no answer that holds. done: it did not heed DryRun.
    """

    outcome: Literal["allowed", "denied", "refused", "open", "done"]
    code: str = ""
    message: str = ""

    @property
    def missing_action(self) -> str:
        """The action that EC2 names as not allowed, which may be another than the one tried."""
        found = DENIAL.search(self.message)
        return found[1] if found else ""

    @property
    def denied_on(self) -> str:
        """The ARN that EC2 names as what the action is not allowed on; "" where it names none."""
        found = DENIAL.search(self.message)
        return (found[2] or "") if found else ""

    @property
    def is_explicit(self) -> bool:
        """Whether some policy denies it, whatever others allow."""
        return "explicit deny" in self.message


def try_call(operation: str, parameters: Mapping[str, object], region: str) -> DryRunResult:
    """Return EC2's answer to a call with DryRun.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html
    """
    try:
        with calling(f"see whether EC2 would {operation.replace('_', ' ')}"):
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
    """Return the user or role whose policies can be simulated; None where IAM cannot.

    The session of a role does not tell the path of the role: it is looked up.
    """
    if re.fullmatch(r"arn:[\w-]+:iam::\d{12}:user/.+", caller.arn):
        return caller.arn
    found = ASSUMED_ROLE.fullmatch(caller.arn)
    if found is None:
        return None
    with calling(f"look up the role {found[2]}"):
        answer = connect("iam", region).get_role(RoleName=found[2])
    return str(answer["Role"]["Arn"])


@needs("iam:SimulatePrincipalPolicy", ASK_WHAT_IS_ALLOWED, by_check=True)
def simulate(
    principal_arn: str,
    actions: list[str],
    resource_arn: str,
    context: Mapping[str, list[str]],
    region: str,
) -> dict[str, bool | None]:
    """Return whether the principal's policies allow each action on a resource that may not exist.

    None: IAM would have to know more. Policies of the session, and of what is acted on, are not
    looked at. https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
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
            for one in page["EvaluationResults"]:
                found[one["EvalActionName"]] = _decision(one)
    return found


def _decision(one: dict[str, Any]) -> bool | None:
    """Return what a simulation says of an action; None where values were missing.

    Those are listed beside the resource where one was named.
    """
    if one["EvalDecision"] == "allowed":
        return True
    missing = [one, *one.get("ResourceSpecificResults", [])]
    return None if any(each.get("MissingContextValues") for each in missing) else False
