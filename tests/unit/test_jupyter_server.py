"""The check of a Jupyter server, against small servers with one defect each."""

import base64
import hashlib
import json
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from notebake.errors import NotebakeError
from notebake.jupyter.checks import check_server

TOKEN = "0123456789abcdef"  # noqa: S105
CHANNELS = "/api/kernels/kernel-1/channels"
# RFC 6455, section 1.3.
WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass
class Jupyter:
    """What a server does, and what was asked of it."""

    lets_anybody_in: bool = False
    prints: str = "42 /opt/notebake/python/bin/jupyter-lab\n"
    hangs_up: bool = False
    kernel_status: int = 201
    requests: list[str] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    """As much of a Jupyter server as the check needs."""

    jupyter: Jupyter

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, status: int, content: object = None) -> None:
        body = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def is_let_in(self) -> bool:
        path, _, query = self.path.partition("?")
        self.jupyter.requests.append(f"{self.command} {path}")
        given = self.headers.get("Authorization"), query
        if self.jupyter.lets_anybody_in or f"token {TOKEN}" in given or f"token={TOKEN}" in given:
            return True
        self.answer(403, {"message": "Forbidden"})
        return False

    def do_GET(self) -> None:
        if not self.is_let_in():
            return
        if self.path.startswith(CHANNELS):
            self.talk()
        else:
            self.answer(200, {"version": "2.17.0"})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.is_let_in():
            self.answer(self.jupyter.kernel_status, {"id": "kernel-1"})

    def do_DELETE(self) -> None:
        if self.is_let_in():
            self.answer(204)

    def talk(self) -> None:
        """Run a cell as a kernel does: others' messages between its own."""
        key = self.headers["Sec-WebSocket-Key"] + WEBSOCKET_GUID
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest())  # noqa: S324
        self.wfile.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self.close_connection = True
        mine, others = json.loads(self.receive())["header"], {"msg_id": "somebody else's"}
        if self.jupyter.hangs_up:
            return
        half = len(self.jupyter.prints) // 2
        for parent, kind, content in (
            (others, "stream", {"text": "not ours"}),
            (others, "status", {"execution_state": "idle"}),
            (mine, "status", {"execution_state": "busy"}),
            (mine, "stream", {"text": self.jupyter.prints[:half]}),
            (mine, "stream", {"text": self.jupyter.prints[half:]}),
            (mine, "status", {"execution_state": "idle"}),
        ):
            message = {"parent_header": parent, "msg_type": kind, "content": content}
            self.send(json.dumps(message).encode())

    def receive(self) -> bytes:
        """Return the content of one masked frame."""
        _, length = self.rfile.read(2)
        size = length & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", self.rfile.read(2))
        mask = self.rfile.read(4)
        return bytes(byte ^ mask[at % 4] for at, byte in enumerate(self.rfile.read(size)))

    def send(self, content: bytes) -> None:
        """Send one text frame."""
        assert len(content) < 65536
        self.wfile.write(b"\x81\x7e" + struct.pack("!H", len(content)) + content)


@contextmanager
def serving(jupyter: Jupyter) -> Iterator[int]:
    """Run the server on a loopback port while the block runs."""
    handler = type("Handler", (Handler,), {"jupyter": jupyter})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_working_server_returns_its_version_and_its_kernel_is_deleted() -> None:
    jupyter = Jupyter()
    with serving(jupyter) as port:
        assert check_server(port, TOKEN) == "2.17.0"

    assert jupyter.requests == [
        "GET /api/status",
        "GET /api/status",
        "GET /api",
        "POST /api/kernels",
        f"GET {CHANNELS}",
        "DELETE /api/kernels/kernel-1",
    ]


def test_a_server_without_authentication_is_refused_before_a_kernel_starts() -> None:
    jupyter = Jupyter(lets_anybody_in=True)
    with serving(jupyter) as port, pytest.raises(NotebakeError, match="without its token"):
        check_server(port, TOKEN)

    assert jupyter.requests == ["GET /api/status"]


def test_a_server_with_another_token_is_refused() -> None:
    with serving(Jupyter()) as port, pytest.raises(NotebakeError, match="403 Forbidden") as caught:
        check_server(port, "another")

    assert "another" not in str(caught.value)


@pytest.mark.parametrize(
    "prints",
    [
        "43 /opt/notebake/python/bin/jupyter-lab\n",
        "",
        "42\n",
        "42 None\n",
        "42 /usr/bin/jupyter-lab\n",
    ],
)
def test_a_kernel_with_wrong_results_is_refused_and_stopped(prints: str) -> None:
    jupyter = Jupyter(prints=prints)
    with serving(jupyter) as port, pytest.raises(NotebakeError, match="and printed"):
        check_server(port, TOKEN)

    assert jupyter.requests[-1] == "DELETE /api/kernels/kernel-1"


def test_a_kernel_that_dies_is_refused_and_deleted() -> None:
    jupyter = Jupyter(hangs_up=True)
    with serving(jupyter) as port, pytest.raises(NotebakeError, match="did not answer") as caught:
        check_server(port, TOKEN)

    assert jupyter.requests[-1] == "DELETE /api/kernels/kernel-1"
    assert TOKEN not in str(caught.value)


def test_a_server_without_kernels_is_refused() -> None:
    with (
        serving(Jupyter(kernel_status=500)) as port,
        pytest.raises(NotebakeError, match="500 Internal Server Error"),
    ):
        check_server(port, TOKEN)


def test_a_server_that_does_not_answer_is_reported() -> None:
    with serving(Jupyter()) as port:
        pass
    with pytest.raises(NotebakeError, match="did not answer as it should"):
        check_server(port, TOKEN, timeout_seconds=5)
