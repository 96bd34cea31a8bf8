"""IAM before the sandbox: who calls, what his policies allow, and what its simulation says."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sandbox.api.application import Reply
from sandbox.ec2.state.cloud import Cloud
from sandbox.messages.call import Call
from sandbox.messages.error_reply import write_error
from tests.policy.iam_requests import iam_requests_of
from tests.policy.judge import ACCOUNT, USER, IamRequest, Verdict
from tests.preflight_world import without_length

SESSION = re.compile(r"arn:aws:sts::\d+:assumed-role/([^/]+)/.+")
BODY = "<{0}Response><{0}Result>{1}</{0}Result></{0}Response>"
IN_JSON = {"kms", "scheduler", "servicequotas", "ssm"}
Decide = Callable[[Sequence[IamRequest]], list[Verdict]]


class Denial(NamedTuple):
    """A refusal, and whether the call was only tried."""

    action: str
    arn: str
    is_dry: bool


@dataclass
class Iam:
    """Refuses what the caller's policies do not allow, in AWS's words."""

    cloud: Cloud
    decide: Decide
    caller: str = USER
    """The ARN that STS tells: of a user, or of a role's session."""
    path: str = "/"
    """Of the role."""
    denied: list[Denial] = field(default_factory=list)

    def before(self, call: Call) -> Reply | None:
        """Answer what is IAM's own, and refuse what is not allowed."""
        questions = iam_requests_of(call, self.cloud, self.caller)
        for question, verdict in zip(questions, self.decide(questions), strict=True):
            assert not verdict.error, verdict.error
            if not verdict.allowed:
                is_dry = call.parameters.get("DryRun") == "true"
                self.denied.append(Denial(question.action, verdict.denied[0], is_dry))
                return self._refuse(call, question.action, verdict.denied[0])
        if call.operation == "GetRole":
            return self._show_role(call)
        return self._simulate(call) if call.operation == "SimulatePrincipalPolicy" else None

    def after(self, call: Call, reply: Reply) -> Reply:
        """Say who calls."""
        if call.operation != "GetCallerIdentity":
            return reply
        reported = re.sub(rb"<Arn>[^<]+</Arn>", f"<Arn>{self.caller}</Arn>".encode(), reply.body)
        return Reply(reply.status, without_length(reply.headers), reported)

    def _refuse(self, call: Call, action: str, arn: str) -> Reply:
        where = "" if arn == "*" else f" on resource: {arn}"
        message = (
            f"User: {self.caller} is not authorized to perform: {action}{where} because no"
            f" identity-based policy allows the {action} action"
        )
        if call.service == "ec2":
            message = f"You are not authorized to perform this operation. {message}"
            return write_error("ec2", 403, "UnauthorizedOperation", message)
        is_json = call.service in IN_JSON
        code = "AccessDeniedException" if is_json else "AccessDenied"
        return write_error(call.service, 400 if is_json else 403, code, message)

    def _show_role(self, call: Call) -> Reply:
        name = call.parameters["RoleName"]
        shown = (
            f"<Role><Path>{self.path}</Path><RoleName>{name}</RoleName><RoleId>AROAEXAMPLE</RoleId>"
            f"<Arn>arn:aws:iam::{ACCOUNT}:role{self.path}{name}</Arn>"
            "<CreateDate>2026-01-01T00:00:00Z</CreateDate></Role>"
        )
        return as_xml(BODY.format("GetRole", shown))

    def _simulate(self, call: Call) -> Reply:
        """Answer as SimulatePrincipalPolicy does for one resource."""
        parameters = call.parameters
        names = [text for key, text in parameters.items() if key.startswith("ActionNames.")]
        (arn,) = (text for key, text in parameters.items() if key.startswith("ResourceArns."))
        context = context_of(parameters)
        questions = [
            IamRequest(action, (), context, call.region, principal=self.caller, literally=arn)
            for action in names
        ]
        results = "".join(
            f"<member><EvalActionName>{question.action}</EvalActionName><EvalResourceName>{arn}"
            "</EvalResourceName><EvalDecision>"
            f"{'allowed' if verdict.allowed else 'implicitDeny'}</EvalDecision></member>"
            for question, verdict in zip(questions, self.decide(questions), strict=True)
        )
        shown = f"<IsTruncated>false</IsTruncated><EvaluationResults>{results}</EvaluationResults>"
        return as_xml(BODY.format("SimulatePrincipalPolicy", shown))


def context_of(parameters: dict[str, str]) -> dict[str, str | list[str]]:
    """Return the context that a simulation is given: one value, or a list."""
    found: dict[str, str | list[str]] = {}
    for key, name in parameters.items():
        if entry := re.fullmatch(r"(ContextEntries\.member\.\d+)\.ContextKeyName", key):
            start = f"{entry[1]}.ContextKeyValues.member."
            values = [text for each, text in parameters.items() if each.startswith(start)]
            is_list = parameters[f"{entry[1]}.ContextKeyType"] == "stringList"
            found[name] = values if is_list else values[0]
    return found


def as_xml(text: str) -> Reply:
    return Reply(200, [("Content-Type", "text/xml")], text.encode())


def allow_all(questions: Sequence[IamRequest]) -> list[Verdict]:
    """Decide as for an administrator."""
    return [Verdict(True, [], [], [], "") for _ in questions]
