"""A web server on loopback with one file, whose headers a test decides."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from io import BufferedIOBase

from tests.preflight_world import serving


@dataclass
class WebSource:
    """What the server answers."""

    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    head_status: int = 200
    """Another one than `status` where the server refuses HEAD."""
    hang_seconds: float = 0.0
    drips: bool = False
    """Whether it sends one letter of a header after the other, for a while."""
    requests: list[str] = field(default_factory=list)


@contextmanager
def web_source(**headers: str) -> Iterator[WebSource]:
    """Serve with these headers, whose names have _ for -."""
    source = WebSource(headers=named(headers))

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            source.requests.append(f"{self.command} {self.headers.get('Accept-Encoding')}")
            time.sleep(source.hang_seconds)
            if source.drips:
                drip(self.wfile)
            is_refused = self.command == "HEAD" and source.head_status != 200
            self.send_response(source.head_status if is_refused else source.status)
            for name, value in () if is_refused else source.headers.items():
                self.send_header(name, value)
            self.end_headers()

        do_HEAD = do_GET = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with serving(Handler) as url:
        source.url = url
        yield source


def drip(stream: BufferedIOBase) -> None:
    """Send a header that does not end, a letter at a time, until nobody listens."""
    stream.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    with suppress(OSError):
        for _ in range(100):
            stream.write(b"x")
            stream.flush()
            time.sleep(0.05)


def named(headers: dict[str, str]) -> dict[str, str]:
    """Return headers by the names that HTTP has."""
    return {name.replace("_", "-"): value for name, value in headers.items()}
