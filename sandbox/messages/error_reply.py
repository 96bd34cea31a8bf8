"""Errors as each AWS service writes them, and the usual status and message of each code.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

import uuid
from dataclasses import dataclass
from html import escape

from sandbox.messages.call import Call
from sandbox.messages.reply import Reply, json_reply

EXPIRED = "The security token included in the request is expired"
XML = [("Content-Type", "text/xml;charset=UTF-8")]


@dataclass(frozen=True)
class Usual:
    """The status and the message that AWS usually sends with an error code."""

    status: int
    message: str


KNOWN = {
    "Blocked": Usual(403, "Your account is currently blocked."),
    "AccessDenied": Usual(403, "Access Denied"),
    "AccessDeniedException": Usual(400, "You are not authorized to perform this operation."),
    "AuthFailure": Usual(401, "AWS was not able to validate the provided access credentials"),
    "ExpiredToken": Usual(403, EXPIRED),
    "ExpiredTokenException": Usual(400, EXPIRED),
    "IncorrectInstanceState": Usual(400, "The instance is not in a state for that."),
    "InsufficientAddressCapacity": Usual(500, "There are not enough available addresses."),
    "InsufficientVolumeCapacity": Usual(500, "There is not enough capacity for the volume."),
    "InternalError": Usual(500, "An internal error has occurred"),
    "InternalFailure": Usual(500, "The request processing has failed because of an unknown error."),
    "InvalidAMIID.Unavailable": Usual(400, "The AMI is not in a state from which to launch."),
    "InvalidSnapshot.InUse": Usual(400, "The snapshot is currently in use by an AMI."),
    "OptInRequired": Usual(401, "You are not subscribed to this service."),
    "PendingVerification": Usual(400, "Your account is currently being verified."),
    "RequestExpired": Usual(400, "Request has expired."),
    "RequestLimitExceeded": Usual(503, "Request limit exceeded."),
    "ServerInternal": Usual(500, "An internal error has occurred"),
    "ServiceUnavailable": Usual(503, "Service Unavailable"),
    "SlowDown": Usual(503, "Please reduce your request rate."),
    "SnapshotCreationPerVolumeRateExceeded": Usual(400, "Too many snapshots of the volume."),
    "Throttling": Usual(400, "Rate exceeded"),
    "ThrottlingException": Usual(400, "Rate exceeded"),
    "UnauthorizedOperation": Usual(403, "You are not authorized to perform this operation."),
    "Unavailable": Usual(503, "The service is unavailable. Please try again shortly."),
}
UNKNOWN_CODE = Usual(400, "A fault of the sandbox refuses this call.")
_JSON = {"ssm", "servicequotas", "pricing", "scheduler"}


def refuse(call: Call, code: str, status: int | None = None, message: str | None = None) -> Reply:
    """Return the error with which the service refuses the call, by default with AWS's message."""
    known = KNOWN.get(code, UNKNOWN_CODE)
    if code == "UnauthorizedOperation" and not message:
        message = (
            f"{known.message} User: arn:aws:iam::123456789012:user/sandbox is not authorized to "
            f"perform: {call.service}:{call.operation} because no identity-based policy allows "
            "the action"
        )
    return write_error(call.service, status or known.status, code, message or known.message)


def write_gateway_page(status: int) -> Reply:
    """Return the HTML page of a gateway between client and service: it holds no error code."""
    text = f"<html><head><title>{status}</title></head><body><h1>{status}</h1><hr></body></html>"
    return Reply(status, [("Content-Type", "text/html")], text.encode())


def write_error(service: str, status: int, code: str, message: str) -> Reply:
    """Return an error in the form of the service."""
    if service in _JSON:
        reply = json_reply({"__type": code, "message": message}, status)
        return Reply(status, [*reply.headers, ("x-amzn-ErrorType", code)], reply.body)
    error = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    request_id = uuid.uuid4()
    if service == "s3":
        body = f"<Error>{error}</Error>"
    elif service in ("ec2", "unsigned"):
        body = f"<Response><Errors><Error>{error}</Error></Errors>"
        body += f"<RequestID>{request_id}</RequestID></Response>"
    else:
        kind = "Sender" if status < 500 else "Receiver"
        body = f"<ErrorResponse><Error><Type>{kind}</Type>{error}</Error>"
        body += f"<RequestId>{request_id}</RequestId></ErrorResponse>"
    return Reply(status, XML, body.encode())
