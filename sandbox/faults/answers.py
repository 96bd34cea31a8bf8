"""How each service says no: the codes with their status and words, in the service's own form.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

import json
from dataclasses import dataclass
from html import escape

from sandbox.faults.fault import Fault
from sandbox.web import Reply

EXPIRED = "The security token included in the request is expired"


@dataclass(frozen=True)
class Known:
    """What is known of an error code."""

    status: int
    message: str


KNOWN = {
    "AccessDenied": Known(403, "Access Denied"),
    "AccessDeniedException": Known(400, "You are not authorized to perform this operation."),
    "AuthFailure": Known(401, "AWS was not able to validate the provided access credentials"),
    "ExpiredToken": Known(403, EXPIRED),
    "ExpiredTokenException": Known(400, EXPIRED),
    "InternalError": Known(500, "An internal error has occurred"),
    "InternalFailure": Known(500, "The request processing has failed because of an unknown error."),
    "OptInRequired": Known(401, "You are not subscribed to this service."),
    "PendingVerification": Known(400, "Your account is currently being verified."),
    "RequestExpired": Known(400, "Request has expired."),
    "RequestLimitExceeded": Known(503, "Request limit exceeded."),
    "ServiceUnavailable": Known(503, "Service Unavailable"),
    "SlowDown": Known(503, "Please reduce your request rate."),
    "Throttling": Known(400, "Rate exceeded"),
    "ThrottlingException": Known(400, "Rate exceeded"),
    "UnauthorizedOperation": Known(403, "You are not authorized to perform this operation."),
    "Unavailable": Known(503, "The service is unavailable. Please try again shortly."),
}
OTHERWISE = Known(400, "The sandbox was told to refuse this call.")
_JSON = {"ssm", "servicequotas", "pricing", "scheduler"}


def refuse(fault: Fault, service: str, action: str) -> Reply:
    """Return the answer with which the service refuses a call."""
    code = fault.code or "InternalError"
    known = KNOWN.get(code, OTHERWISE)
    message = fault.message or known.message
    if code == "UnauthorizedOperation" and not fault.message:
        message += " User: arn:aws:iam::123456789012:user/sandbox is not authorized to perform: "
        message += f"{service}:{action} because no identity-based policy allows the action"
    return write_error(service, fault.status or known.status, code, message)


def write_error(service: str, status: int, code: str, message: str) -> Reply:
    """Return an error in the service's own form."""
    if service in _JSON:
        body = json.dumps({"__type": code, "message": message})
        headers = [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-ErrorType", code)]
        return Reply(status, headers, body.encode())
    error = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if service == "s3":
        body = f"<Error>{error}</Error>"
    elif service == "ec2":
        body = f"<Response><Errors><Error>{error}</Error></Errors>"
        body += "<RequestID>none</RequestID></Response>"
    else:
        kind = "Sender" if status < 500 else "Receiver"
        body = f"<ErrorResponse><Error><Type>{kind}</Type>{error}</Error>"
        body += "<RequestId>none</RequestId></ErrorResponse>"
    return Reply(status, [("Content-Type", "text/xml")], body.encode())
