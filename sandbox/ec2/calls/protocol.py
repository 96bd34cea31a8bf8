"""EC2's query protocol: its numbered lists, the requests that it refuses, its form of replies."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from moto.core.utils import get_service_model

from sandbox.messages.call import Call
from sandbox.messages.error_reply import refuse, write_error
from sandbox.messages.reply import Reply

NAMESPACE = b"http://ec2.amazonaws.com/doc/2016-11-15/"
# moto omits the slash at the end, gives errors a namespace, and gives all replies the same id.
_NAMESPACE = re.compile(rb'<(\w+) xmlns="http://ec2\.amazonaws\.com/doc/[\d-]+/?"')
_REQUEST_ID = re.compile(rb"<(requestId|RequestID)>[^<]*</")


def find_protocol_error(call: Call) -> Reply | None:
    """Return EC2's error for a call that is not signed or not an action; None for all others."""
    is_action = call.action in get_service_model("ec2").operation_names
    if call.service == "unsigned" and is_action:
        if "SignatureVersion" not in call.parameters:
            return refuse(call, "AuthFailure")
        message = "The sandbox does not support signatures of version 2: let the client sign with 4"
        return write_error("ec2", 401, "UnsupportedOperation", message)
    if call.service == "ec2" and not is_action:
        message = f"The action {call.action} is not valid for this web service."
        return write_error("ec2", 400, "InvalidAction", message)
    return None


def renumber_lists(values: Mapping[str, str]) -> dict[str, str]:
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


def finish_reply(call: Call, reply: Reply) -> Reply:
    """Return moto's reply with EC2's namespace, an id of its own, and `return` where EC2 sends it.

    Parsers other than botocore's find elements by the exact namespace, and expect the element
    `return` in a reply without other content.
    """
    body = _NAMESPACE.sub(_open, reply.body, 1)
    if _says_return(call.action) and b"<Errors>" not in body and b"<return>" not in body:
        body = body.replace(b"<requestId>", b"<return>true</return><requestId>", 1)
    body = _REQUEST_ID.sub(rb"<\1>" + str(uuid.uuid4()).encode() + b"</", body, 1)
    headers = [header for header in reply.headers if header[0].lower() != "content-length"]
    return replace(reply, headers=[*headers, ("Content-Length", str(len(body)))], body=body)


def _renumber(name: str, order: Mapping[str, list[int]]) -> str:
    words = name.split(".")
    return ".".join(
        str(order[".".join(words[:place])].index(int(word)) + 1) if word.isdecimal() else word
        for place, word in enumerate(words)
    )


@cache
def _says_return(action: str) -> bool:
    shape = get_service_model("ec2").operation_model(action).output_shape
    return shape is None or "Return" in shape.members


def _open(found: re.Match[bytes]) -> bytes:
    if found[1] == b"Response":  # of an error
        return b"<Response"
    return b'<%s xmlns="%s"' % (found[1], NAMESPACE)
