"""A tab of JupyterLab without a browser: a cookie, a kernel, and a websocket that reconnects.

It gives up as JupyterLab does: after seven tries, the n-th within 2^n - 1 seconds
(@jupyterlab/services 7, kernel/default.ts, `_reconnect`). What is to run meanwhile waits.
"""

import json
import queue
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from notebake.jupyter.checks import execute_request
from tests.limits import HANG_SECONDS
from tests.servers.world import TOKEN

RECONNECT_LIMIT = 7


class Tab:
    """One open page, which knows the token for its first request only."""

    def __init__(self, port: int, kernel: str = "") -> None:
        self.url = f"127.0.0.1:{port}"
        self.client = httpx.Client(
            base_url=f"http://{self.url}", timeout=HANG_SECONDS, trust_env=False
        )
        self.client.get(f"/lab?token={TOKEN}").raise_for_status()
        self.session = f"{random.getrandbits(64):x}"
        self.kernel = kernel or self.start_kernel()
        self.has_given_up = False
        self.reconnections = 0
        self._waiting: queue.Queue[str] = queue.Queue()
        self._heard: list[dict[str, Any]] = []
        self._is_closed = threading.Event()
        self._is_connected = threading.Event()
        threading.Thread(target=self._live, daemon=True).start()
        self.wait(self._is_connected.is_set, "the websocket")

    def start_kernel(self) -> str:
        headers = {"X-XSRFToken": str(self.client.cookies["_xsrf"])}
        answer = self.client.post("/api/kernels", json={}, headers=headers)
        return str(answer.raise_for_status().json()["id"])

    def take_new_kernel(self) -> None:
        """Start a kernel for this tab, as a person does whose kernel has died with the server."""
        self.kernel = self.start_kernel()
        if self.has_given_up:
            self.has_given_up = False
            threading.Thread(target=self._live, daemon=True).start()

    def execute(self, code: str, seconds: float = HANG_SECONDS) -> str:
        """Run a cell and return what it prints; TimeoutError if that does not come in time."""
        message = execute_request(code)
        message["header"]["session"] = self.session
        self._waiting.put(json.dumps(message))
        own = message["header"]["msg_id"]

        def is_done() -> bool:
            return any(
                each["msg_type"] == "status" and each["content"]["execution_state"] == "idle"
                for each in self._replies(own)
            )

        self.wait(is_done, f"{code} to run", seconds)
        return "".join(
            each["content"]["text"] for each in self._replies(own) if each["msg_type"] == "stream"
        )

    def wait(self, condition: Callable[[], bool], what: str, seconds: float = HANG_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline or self.has_given_up:
                raise TimeoutError(f"waited for {what}")
            time.sleep(0.02)

    def close(self) -> None:
        self._is_closed.set()
        self.client.close()

    def _replies(self, own: str) -> list[dict[str, Any]]:
        return [each for each in self._heard if each["parent_header"].get("msg_id") == own]

    def _live(self) -> None:
        tries = 0
        while not self._is_closed.is_set():
            try:
                with self._connect() as socket:
                    tries = 0
                    self.reconnections += 1
                    self._is_connected.set()
                    self._talk(socket)
            except (OSError, EOFError, WebSocketException):
                pass
            self._is_connected.clear()
            tries += 1
            if tries > RECONNECT_LIMIT:
                self.has_given_up = True
                return
            self._is_closed.wait(random.uniform(0, 2**tries - 1))  # noqa: S311

    def _connect(self) -> Any:
        cookies = "; ".join(f"{name}={value}" for name, value in self.client.cookies.items())
        return connect(
            f"ws://{self.url}/api/kernels/{self.kernel}/channels?session_id={self.session}",
            additional_headers={"Cookie": cookies, "Origin": f"http://{self.url}"},
            open_timeout=240,  # Chromium's
            ping_interval=None,  # a browser sends none
            max_size=None,
            proxy=None,
        )

    def _talk(self, socket: Any) -> None:
        while not self._is_closed.is_set():
            while not self._waiting.empty():
                socket.send(self._waiting.get())
            try:
                self._heard.append(json.loads(socket.recv(timeout=0.05)))
            except TimeoutError:
                continue
