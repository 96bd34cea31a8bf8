"""Checks JupyterLab on a host as a browser uses it: status, a kernel, a cell.

Messages follow the Jupyter protocol 5.x over the server's websocket
(https://jupyter-server.readthedocs.io, "Websocket protocols").
"""

import json
import uuid
from typing import Any

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from notebake.commands import jupyter
from notebake.commands.jupyter_units import PYTHON
from notebake.errors import HostCommandError, NotebakeError
from notebake.ssh import remote as ssh
from notebake.ssh import tunnel
from notebake.ssh.host import Host
from notebake.timeouts import JUPYTER_SECONDS
from notebake.waiting import wait_until


def wait_for_jupyter(host: Host, port: int, then: str = "true") -> str:
    """Wait until JupyterLab answers on the host; return what the command `then` prints there.

    Raises:
        WaitTimeoutError: it did not answer.
        HostCommandError: `then` failed.
    """
    command = jupyter.wait_for_jupyter(port, then)

    def printed() -> str | None:
        answer = ssh.try_command(host, command)
        if answer.exit_code == jupyter.STILL_STARTING:
            return None
        if answer.exit_code:
            errors = answer.errors or answer.output
            raise HostCommandError(host.address, then, answer.exit_code, errors)
        return answer.output

    return wait_until(
        printed,
        what=f"JupyterLab on {host.address}",
        timeout_seconds=JUPYTER_SECONDS,
        interval_seconds=0.5,
    )


def check_jupyter(host: Host, port: int) -> str:
    """Use JupyterLab through an ssh tunnel, as a person would; return the version of its server."""
    token = wait_for_jupyter(host, port, jupyter.read_token()).strip()
    with tunnel.open_tunnel(host, port) as local_port:
        return check_server(local_port, token, timeout_seconds=JUPYTER_SECONDS)


CELL = 'import shutil; print(6 * 7, shutil.which("jupyter-lab"))'
EXPECTED = f"42 {PYTHON}/bin/jupyter-lab"
"""A kernel that finds programs elsewhere than a terminal would install into the wrong place."""


def check_server(port: int, token: str, *, timeout_seconds: float = 60) -> str:
    """Start a kernel on the server at a loopback port, run a cell, and return the server's version.

    Proxies from the environment are ignored: none could reach the port, nor may see the token.

    Raises:
        NotebakeError: it answers without the token, or not as it should.
    """
    url = f"http://127.0.0.1:{port}"
    try:
        without_token = httpx.get(f"{url}/api/status", timeout=timeout_seconds, trust_env=False)
        if without_token.status_code != 403:
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
    """Run the cell in a kernel and return its output."""
    url = f"ws://127.0.0.1:{port}/api/kernels/{kernel}/channels?token={token}"
    message = execute_request(CELL)
    printed = ""
    with connect(url, open_timeout=timeout_seconds, max_size=None, proxy=None) as socket:
        socket.send(json.dumps(message))
        while True:
            reply = json.loads(socket.recv(timeout=timeout_seconds))
            if reply.get("parent_header", {}).get("msg_id") != message["header"]["msg_id"]:
                continue
            if reply["msg_type"] == "stream":
                printed += reply["content"]["text"]
            if reply["msg_type"] == "status" and reply["content"]["execution_state"] == "idle":
                return printed


def execute_request(code: str) -> dict[str, Any]:
    """Return the execute_request message for the code."""
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
