"""A JupyterLab server as a person's browser sees it: its status, a kernel, a cell.

Messages follow the Jupyter protocol 5.x over the server's websocket
(https://jupyter-server.readthedocs.io, "Websocket protocols").
"""

import json
import uuid
from typing import Any

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from notebake.errors import NotebakeError

CELL = "print(6 * 7)"
EXPECTED = "42"


def check_server(port: int, token: str, *, timeout_seconds: float = 60) -> str:
    """Start a kernel on the server at a loopback port, run a cell, and return its version.

    No proxy is asked, whatever the environment says: none could reach it, nor may see the token.

    Raises:
        NotebakeError: it lets in without the token, or does not answer as it should.
    """
    url = f"http://127.0.0.1:{port}"
    try:
        stranger = httpx.get(f"{url}/api/status", timeout=timeout_seconds, trust_env=False)
        if stranger.status_code != 403:
            raise NotebakeError(f"JupyterLab behind {url} answers without its token.")
        with httpx.Client(
            base_url=url,
            headers={"Authorization": f"token {token}"},
            timeout=timeout_seconds,
            trust_env=False,
        ) as server:
            server.get("/api/status").raise_for_status()
            version = str(server.get("/api").raise_for_status().json()["version"])
            kernel = server.post("/api/kernels", json={}).raise_for_status().json()["id"]
            try:
                printed = run_cell(port, token, kernel, timeout_seconds)
            finally:
                server.delete(f"/api/kernels/{kernel}")
    except (httpx.HTTPError, WebSocketException, OSError, KeyError, ValueError) as error:
        raise NotebakeError(
            f"JupyterLab behind {url} did not answer as it should: {error!r}"
        ) from error
    if printed.strip() != EXPECTED:
        raise NotebakeError(f"JupyterLab behind {url} ran {CELL!r} and printed {printed!r}.")
    return version


def run_cell(port: int, token: str, kernel: str, timeout_seconds: float) -> str:
    """Run the cell in a kernel and return what it printed."""
    url = f"ws://127.0.0.1:{port}/api/kernels/{kernel}/channels?token={token}"
    message = execute_request(CELL)
    printed = ""
    with connect(url, open_timeout=timeout_seconds, max_size=None, proxy=None) as socket:
        socket.send(json.dumps(message))
        while True:
            answer = json.loads(socket.recv(timeout=timeout_seconds))
            if answer.get("parent_header", {}).get("msg_id") != message["header"]["msg_id"]:
                continue
            if answer["msg_type"] == "stream":
                printed += answer["content"]["text"]
            if answer["msg_type"] == "status" and answer["content"]["execution_state"] == "idle":
                return printed


def execute_request(code: str) -> dict[str, Any]:
    """Return the message that asks a kernel to run code."""
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": "execute_request",
        "session": uuid.uuid4().hex,
        "username": "notebake",
        "version": "5.3",
    }
    content = {
        "code": code,
        "silent": False,
        "store_history": False,
        "user_expressions": {},
        "allow_stdin": False,
    }
    return {
        "header": header,
        "parent_header": {},
        "metadata": {},
        "content": content,
        "channel": "shell",
        "buffers": [],
    }
