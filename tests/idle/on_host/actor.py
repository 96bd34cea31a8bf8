"""Does on a host what a person does in JupyterLab, by the image's own Python, and then goes away.

Arguments: `cell NAME CODE` starts the kernel of a notebook and a cell in it; `terminal TEXT` opens
a terminal and types; `typing SECONDS` types into one each second; `write SECONDS` saves a notebook.
"""

import asyncio
import json
import sys
import uuid
from pathlib import Path
from urllib.request import Request, urlopen

from tornado.websocket import WebSocketClientConnection, websocket_connect

TOKEN = Path("/etc/notebake/jupyter-token").read_text().strip()
SERVER = f"127.0.0.1:{json.loads(Path('/etc/notebake/idle.json').read_text())['jupyter_port']}"
NOTEBOOK = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def ask(method: str, path: str, body: object = None) -> dict[str, dict[str, str]]:
    request = Request(
        f"http://{SERVER}{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"token {TOKEN}", "Content-Type": "application/json"},
    )
    with urlopen(request) as answer:  # noqa: S310
        found: dict[str, dict[str, str]] = json.load(answer)
        return found


def start_kernel(name: str) -> str:
    """Return the kernel of a notebook."""
    content = {"type": "notebook", "format": "json", "content": NOTEBOOK}
    ask("PUT", f"/api/contents/{name}", content)
    wanted = {"path": name, "name": name, "type": "notebook", "kernel": {"name": "python3"}}
    return ask("POST", "/api/sessions", wanted)["kernel"]["id"]


async def run_cell(name: str, code: str) -> None:
    """Run a cell, and go away once it has begun; the answer is nobody's."""
    url = f"ws://{SERVER}/api/kernels/{start_kernel(name)}/channels?token={TOKEN}"
    socket = await websocket_connect(url)
    await socket.write_message(json.dumps(execute_request(code)))
    while True:
        message = await socket.read_message()
        if message is None:
            raise SystemExit("the kernel hung up")
        said = json.loads(message)
        # The kernel sends what it runs before it runs it.
        if said.get("msg_type") == "execute_input":
            await asyncio.sleep(0.5)
            return


def execute_request(code: str) -> dict[str, object]:
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": "execute_request",
        "session": uuid.uuid4().hex,
        "username": "person",
        "version": "5.3",
    }
    content = {
        **{"code": code, "silent": False, "store_history": True, "user_expressions": {}},
        "allow_stdin": True,
    }
    return {
        **{"header": header, "parent_header": {}, "metadata": {}},
        **{"content": content, "channel": "shell", "buffers": []},
    }


async def open_terminal() -> WebSocketClientConnection:
    name = ask("POST", "/api/terminals")["name"]
    return await websocket_connect(f"ws://{SERVER}/terminals/websocket/{name}?token={TOKEN}")


async def use_terminal(text: str) -> None:
    """Open a terminal and type; it stays when its page is closed."""
    socket = await open_terminal()
    await socket.read_message()
    await asyncio.sleep(1)
    await socket.write_message(json.dumps(["stdin", f"{text}\r"]))
    await asyncio.sleep(1)
    socket.close()


async def type_for(seconds: int) -> None:
    socket = await open_terminal()
    for _ in range(seconds):
        await socket.write_message(json.dumps(["stdin", "x"]))
        await asyncio.sleep(1)


async def write_for(seconds: int) -> None:
    """Save a notebook whose kernel does nothing, as JupyterLab does while somebody writes."""
    content = {"type": "notebook", "format": "json", "content": NOTEBOOK}
    for _ in range(0, seconds, 2):
        ask("PUT", "/api/contents/tab.ipynb", content)
        await asyncio.sleep(2)


def main() -> None:
    what, *words = sys.argv[1:]
    if what == "cell":
        asyncio.run(run_cell(*words))
    elif what == "terminal":
        asyncio.run(use_terminal(*words))
    elif what == "typing":
        asyncio.run(type_for(int(words[0])))
    else:
        asyncio.run(write_for(int(words[0])))


if __name__ == "__main__":
    main()
