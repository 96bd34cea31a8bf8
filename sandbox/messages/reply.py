"""HTTP requests and replies, with or without a socket behind them."""

import json
import socket
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from werkzeug.test import EnvironBuilder

# Where werkzeug's server puts the connection that a request came over.
_SOCKET_KEY = "werkzeug.socket"


@dataclass(frozen=True)
class Reply:
    """The reply to a call."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


JSON_TYPE = "application/x-amz-json-1.1"


def json_reply(content: object, status: int = 200, kind: str = JSON_TYPE) -> Reply:
    """Return a reply with a JSON body, by default as AWS's JSON services send it."""
    return Reply(status, [("Content-Type", kind)], json.dumps(content).encode())


class ConnectionLostError(ConnectionError):
    """The caller gets no reply, and does not learn whether the call took effect.

    Over HTTP the socket is closed without a byte; `Application.handle` raises this instead.
    """


def make_environ(
    method: str, url: str, headers: dict[str, str], body: bytes = b""
) -> dict[str, Any]:
    """Return the WSGI environment of a request without a socket."""
    place, _, query = url.partition("?")
    scheme, _, rest = place.partition("://")
    host, slash, path = rest.partition("/")
    builder = EnvironBuilder(
        path=f"{slash}{path}" or "/",
        base_url=f"{scheme}://{host}",
        query_string=query,
        method=method,
        headers=list(headers.items()),
        data=body,
    )
    environ: dict[str, Any] = builder.get_environ()
    environ["RAW_URI"] = environ["REQUEST_URI"] = f"/{path}" + (f"?{query}" if query else "")
    return environ


def read_body(environ: dict[str, Any]) -> bytes:
    """Read the body and put it back for moto, which reads chunked bodies itself."""
    if not environ.get("CONTENT_LENGTH"):
        return b""
    body: bytes = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    environ["wsgi.input"] = BytesIO(body)
    return body


def read_headers(environ: dict[str, Any]) -> dict[str, str]:
    """Return the headers by their lower-case names."""
    named = {
        key.removeprefix("HTTP_").replace("_", "-").lower(): value
        for key, value in environ.items()
        if key.startswith("HTTP_")
    }
    return {**named, "content-type": environ.get("CONTENT_TYPE", "")}


def close_connection(environ: dict[str, Any]) -> None:
    """Close the request's socket if it has one: the client reads the end of the stream."""
    if connection := environ.get(_SOCKET_KEY):
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
