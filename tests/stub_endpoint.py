"""An endpoint of AWS's that answers as it is told: whole answers of HTTP, and who asked."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext

EC2_REFUSES = (
    "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
    "<RequestID>1</RequestID></Response>"
)
NO_REGIONS = (
    '<DescribeRegionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><regionInfo/>'
    "</DescribeRegionsResponse>"
)


@dataclass(frozen=True)
class ReceivedRequest:
    """One request, as far as a test looks at it."""

    key_id: str
    """Of the credentials that it is signed with."""
    service: str
    body: str
    method: str = "POST"


@dataclass(frozen=True)
class Answer:
    """What is answered."""

    status: int = 200
    body: str = NO_REGIONS
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class StubEndpoint:
    """Where it answers, and who has asked."""

    url: str
    requests: list[ReceivedRequest] = field(default_factory=list)

    @property
    def key_ids(self) -> list[str]:
        """Return with which keys was signed, in order."""
        return [request.key_id for request in self.requests]


def error_answer(code: str, message: str = "as told", status: int = 400, **headers: str) -> Answer:
    """Return how EC2 refuses."""
    return Answer(status, EC2_REFUSES.format(code=code, message=message), headers)


@contextmanager
def stub_endpoint(
    answer: Callable[[ReceivedRequest], Answer], tls: SSLContext | None = None
) -> Iterator[StubEndpoint]:
    """Run it while the block runs."""
    received: list[ReceivedRequest] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            scope = self.headers.get("Authorization", "").partition("Credential=")[2].split("/")
            request = ReceivedRequest(
                scope[0], scope[3] if len(scope) > 3 else "", body, self.command
            )
            received.append(request)
            reply = answer(request)
            self.send_response_only(reply.status)
            for name, value in {"Content-Type": "text/xml", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body.encode())

        do_GET = do_HEAD = do_PUT = do_POST  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    scheme = "https" if tls else "http"
    try:
        yield StubEndpoint(f"{scheme}://127.0.0.1:{server.server_address[1]}", received)
    finally:
        server.shutdown()
        server.server_close()
