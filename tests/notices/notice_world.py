"""A Prefect server, flow runs as its API makes them, and what receives notices."""

import json
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from notebake.project import PROJECT
from tests.limits import HANG_SECONDS
from tests.sandbox.bake_world import wait_for

SECRET = "T0/B0/hook-of-the-lab"  # noqa: S105
BLOCK = "custom-webhook/lab"


@dataclass
class Receiver:
    """A server on loopback that keeps what is posted to it."""

    url: str = ""
    notices: list[dict[str, str]] = field(default_factory=list)

    def wait_for(self, count: int) -> list[dict[str, str]]:
        """Return the notices, once there are so many."""
        wait_for(lambda: len(self.notices) >= count, f"notice {count}")
        return self.notices


@contextmanager
def receiver_started() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            receiver.notices.append(json.loads(self.rfile.read(length)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/{SECRET}"
    yield receiver
    server.shutdown()
    server.server_close()
    thread.join()


@contextmanager
def mail_server_started() -> Iterator[tuple[int, list[EmailMessage]]]:
    """A mail server on loopback: its port, and what it was given."""
    received: list[EmailMessage] = []

    class Session(socketserver.StreamRequestHandler):
        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def handle(self) -> None:
            self.say("220 loopback")
            for line in self.rfile:
                if line.upper().startswith(b"DATA"):
                    self.say("354 go on")
                    lines = [*iter(self.rfile.readline, b".\r\n")]
                    parsed = message_from_bytes(b"".join(lines), policy=default)
                    assert isinstance(parsed, EmailMessage)
                    received.append(parsed)
                self.say("221 end" if line.upper().startswith(b"QUIT") else "250 well")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1], received
        server.shutdown()
        thread.join()


@dataclass(frozen=True)
class Prefect:
    """A server, asked as its UI asks it."""

    url: str
    """Without /api."""
    home: Path

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = httpx.request(
            method, f"{self.url}/api{path}", json=body, timeout=HANG_SECONDS, trust_env=False
        )
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def make_block(self, block: str, **content: Any) -> None:
        """Make a block that a person has typed into the form, such as slack-webhook/lab."""
        slug, _, name = block.partition("/")
        kind = self.ask("GET", f"/block_types/slug/{slug}")
        wanted = {"block_schemas": {"block_type_id": {"any_": [kind["id"]]}}}
        schema = self.ask("POST", "/block_schemas/filter", wanted)[0]
        document = {
            "name": name,
            "block_type_id": kind["id"],
            "block_schema_id": schema["id"],
            "data": content,
        }
        self.ask("POST", "/block_documents/", document)

    def start(self, name: str = "update-ocean", **more: Any) -> str:
        """Return a new flow run of a new deployment."""
        flow = self.ask("POST", "/flows/", {"name": "Update an image"})
        body = {"name": f"{name}-{uuid4().hex[:4]}", "flow_id": flow["id"], **more}
        deployment = self.ask("POST", "/deployments/", body)
        parameters = {"parameters": {"store": "s3://hunter2"}}
        made = self.ask("POST", f"/deployments/{deployment['id']}/create_flow_run", parameters)
        return str(made["id"])

    def start_alone(self) -> str:
        """Return a new flow run of no deployment, as a command makes it."""
        flow = self.ask("POST", "/flows/", {"name": "Build an image"})
        return str(self.ask("POST", "/flow_runs/", {"flow_id": flow["id"]})["id"])

    def set_state(self, flow_run_id: str, kind: str, name: str, message: str = "") -> None:
        state = {"type": kind, "name": name, "message": message}
        path = f"/flow_runs/{flow_run_id}/set_state"
        self.ask("POST", path, {"state": state, "force": True})

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run our program for notices, or other Python, in a process that ends."""
        environment = {"PREFECT_API_URL": f"{self.url}/api", "DO_NOT_TRACK": "1"}
        return subprocess.run(
            [sys.executable, *words],
            env={"PATH": "/usr/bin:/bin", "PREFECT_HOME": str(self.home), **environment},
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
            check=False,
        )

    def notices(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "deployments.notices", self.url, *words)
