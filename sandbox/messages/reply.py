"""Requests and answers as they pass the wire, with a socket behind them or without."""

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
    """An answer to a call."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class ConnectionLostError(ConnectionError):
    """No answer comes. Whether the call took effect is for the caller to find out.

    Over HTTP the socket is closed without a byte; `Wire.handle` raises this instead.
    """


def make_environ(
    method: str, url: str, headers: dict[str, str], body: bytes = b""
) -> dict[str, Any]:
    """Return the WSGI environment of a request that comes over no socket."""
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
    """Read the body and put it back for moto; chunked ones are moto's own affair."""
    if not environ.get("CONTENT_LENGTH"):
        return b""
    body: bytes = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    environ["wsgi.input"] = BytesIO(body)
    return body


def read_headers(environ: dict[str, Any]) -> dict[str, str]:
    """Return the headers by their names in lower case."""
    named = {
        key.removeprefix("HTTP_").replace("_", "-").lower(): value
        for key, value in environ.items()
        if key.startswith("HTTP_")
    }
    return {**named, "content-type": environ.get("CONTENT_TYPE", "")}


def close_connection(environ: dict[str, Any]) -> None:
    """Close the socket of a request, if it came over one: its client reads an end, no answer."""
    if connection := environ.get(_SOCKET_KEY):
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
