"""How each service says no: the codes with their status and words, in the service's own form.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

import json
from dataclasses import dataclass
from html import escape

from sandbox.messages.call import Call
from sandbox.messages.reply import Reply

EXPIRED = "The security token included in the request is expired"


@dataclass(frozen=True)
class Known:
    """What is known of an error code."""

    status: int
    message: str


KNOWN = {
    "Blocked": Known(403, "Your account is currently blocked."),
    "AccessDenied": Known(403, "Access Denied"),
    "AccessDeniedException": Known(400, "You are not authorized to perform this operation."),
    "AuthFailure": Known(401, "AWS was not able to validate the provided access credentials"),
    "ExpiredToken": Known(403, EXPIRED),
    "ExpiredTokenException": Known(400, EXPIRED),
    "IncorrectInstanceState": Known(400, "The instance is not in a state for that."),
    "InsufficientAddressCapacity": Known(500, "There are not enough available addresses."),
    "InsufficientVolumeCapacity": Known(500, "There is not enough capacity for the volume."),
    "InternalError": Known(500, "An internal error has occurred"),
    "InternalFailure": Known(500, "The request processing has failed because of an unknown error."),
    "InvalidAMIID.Unavailable": Known(400, "The AMI is not in a state from which to launch."),
    "InvalidSnapshot.InUse": Known(400, "The snapshot is currently in use by an AMI."),
    "OptInRequired": Known(401, "You are not subscribed to this service."),
    "PendingVerification": Known(400, "Your account is currently being verified."),
    "RequestExpired": Known(400, "Request has expired."),
    "RequestLimitExceeded": Known(503, "Request limit exceeded."),
    "ServerInternal": Known(500, "An internal error has occurred"),
    "ServiceUnavailable": Known(503, "Service Unavailable"),
    "SlowDown": Known(503, "Please reduce your request rate."),
    "SnapshotCreationPerVolumeRateExceeded": Known(400, "Too many snapshots of the volume."),
    "Throttling": Known(400, "Rate exceeded"),
    "ThrottlingException": Known(400, "Rate exceeded"),
    "UnauthorizedOperation": Known(403, "You are not authorized to perform this operation."),
    "Unavailable": Known(503, "The service is unavailable. Please try again shortly."),
}
OTHERWISE = Known(400, "The sandbox was told to refuse this call.")
_JSON = {"ssm", "servicequotas", "pricing", "scheduler"}


def refuse(call: Call, code: str, status: int | None = None, message: str | None = None) -> Reply:
    """Return the error with which the call's service refuses it, in AWS's words unless told."""
    known = KNOWN.get(code, OTHERWISE)
    if code == "UnauthorizedOperation" and not message:
        message = (
            f"{known.message} User: arn:aws:iam::123456789012:user/sandbox is not authorized to "
            f"perform: {call.service}:{call.operation} because no identity-based policy allows "
            "the action"
        )
    return write_error(call.service, status or known.status, code, message or known.message)


def write_page(status: int) -> Reply:
    """Return the page with which a gateway on the way answers by itself: AWS has no code in it."""
    text = f"<html><head><title>{status}</title></head><body><h1>{status}</h1><hr></body></html>"
    return Reply(status, [("Content-Type", "text/html")], text.encode())


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
