"""What EC2's query protocol asks of every request, and how every answer is addressed."""

import re
import uuid
from collections.abc import Mapping
from functools import cache

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


def renumbered(values: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters with the members of each list counted from 1 without gaps.

    Some clients count from 0: `ResourceId.0` in Apache Libcloud 3.9.1, compute/drivers/ec2.py.
    """
    numbers: dict[str, set[int]] = {}
    for name in values:
        words = name.split(".")
        for place, word in enumerate(words):
            if word.isdecimal():
                numbers.setdefault(".".join(words[:place]), set()).add(int(word))
    order = {place: sorted(found) for place, found in numbers.items()}
    return {_renumber(name, order): value for name, value in values.items()}


def _renumber(name: str, order: Mapping[str, list[int]]) -> str:
    words = name.split(".")
    return ".".join(
        str(order[".".join(words[:place])].index(int(word)) + 1) if word.isdecimal() else word
        for place, word in enumerate(words)
    )


def address(action: str, body: bytes) -> bytes:
    """Return an answer in EC2's own namespace, with an id of its own, and not without a word.

    Parsers that know nothing of botocore look elements up by the exact namespace, and for the
    `return` that EC2 sends where there is nothing else to say.
    """
    body = _NAMESPACE.sub(_open, body, 1)
    if _says_return(action) and b"<Errors>" not in body and b"<return>" not in body:
        body = body.replace(b"<requestId>", b"<return>true</return><requestId>", 1)
    return _REQUEST_ID.sub(rb"<\1>" + str(uuid.uuid4()).encode() + b"</", body, 1)


@cache
def _says_return(action: str) -> bool:
    shape = get_service_model("ec2").operation_model(action).output_shape
    return shape is None or "Return" in shape.members


def _open(found: re.Match[bytes]) -> bytes:
    if found[1] == b"Response":  # of an error
        return b"<Response"
    return b'<%s xmlns="%s"' % (found[1], NAMESPACE)


def _write_error(code: str, message: str) -> bytes:
    return (
        f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        f"<RequestID>{uuid.uuid4()}</RequestID></Response>"
    ).encode()
