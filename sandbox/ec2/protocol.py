"""What EC2's query protocol asks of every request, and how every answer is addressed."""

import re
import uuid

from moto.core.utils import get_service_model

NAMESPACE = b"http://ec2.amazonaws.com/doc/2016-11-15/"
# moto leaves the slash at the end out, puts errors into a namespace, and gives all answers one id.
_NAMESPACE = re.compile(rb'<(\w+) xmlns="http://ec2\.amazonaws\.com/doc/[\d-]+/?"')
_REQUEST_ID = re.compile(rb"<(requestId|RequestID)>[^<]*</")


def is_action(name: str) -> bool:
    """Tell whether EC2 has an action of this name."""
    return name in get_service_model("ec2").operation_names


def unknown_action(name: str) -> bytes:
    """Return EC2's error for an action that it does not have."""
    return _write_error("InvalidAction", f"The action {name} is not valid for this web service.")


def unsigned(*, has_old_signature: bool) -> bytes:
    """Return the error for a request that carries no signature of version 4."""
    if has_old_signature:
        told = "The sandbox does not support signatures of version 2: let the client sign with 4"
        return _write_error("UnsupportedOperation", told)
    told = "AWS was not able to validate the provided access credentials"
    return _write_error("AuthFailure", told)


def address(body: bytes) -> bytes:
    """Return an answer in EC2's own namespace and with an id of its own.

    Parsers that know nothing of botocore look elements up by the exact namespace.
    """
    body = _NAMESPACE.sub(_open, body, 1)
    return _REQUEST_ID.sub(rb"<\1>" + str(uuid.uuid4()).encode() + b"</", body, 1)


def _open(found: re.Match[bytes]) -> bytes:
    if found[1] == b"Response":  # of an error
        return b"<Response"
    return b'<%s xmlns="%s"' % (found[1], NAMESPACE)


def _write_error(code: str, message: str) -> bytes:
    return (
        f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        f"<RequestID>{uuid.uuid4()}</RequestID></Response>"
    ).encode()
