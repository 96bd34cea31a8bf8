"""The request id of a reply: AWS gives each reply an id of its own, and logs the request by it."""

import re
import uuid
from dataclasses import replace

from sandbox.messages.reply import Reply

_IN_XML = re.compile(rb"<[Rr]equestI[dD]>([^<]+)<")
_HEADERS = ("x-amzn-requestid", "x-amz-request-id")


def with_request_id(reply: Reply, service: str) -> tuple[Reply, str]:
    """Return the reply with its request id in a header, and the id.

    The header and the XML of a query service name the same id, as at AWS; moto sends the same
    header with each reply.
    """
    in_body = _IN_XML.search(reply.body)
    request_id = in_body[1].decode() if in_body else str(uuid.uuid4())
    name = _HEADERS[1] if service == "s3" else _HEADERS[0]
    others = [header for header in reply.headers if header[0].lower() not in _HEADERS]
    return replace(reply, headers=[*others, (name, request_id)]), request_id
