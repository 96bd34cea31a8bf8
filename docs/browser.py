"""A picture of a page, taken by a Chromium without a window once the page shows a text.

By the DevTools protocol (https://chromedevtools.github.io/devtools-protocol/), since the browser's
own option `--screenshot` takes a picture of whatever it has drawn by then.
"""

import base64
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import connect
from websockets.sync.connection import Connection

WIDTH, HEIGHT = 1400, 880
PAGE_SECONDS = 120
SETTLE_SECONDS = 5
"""How long a page may go on drawing once it shows its text."""


def take_picture(
    url: str, shows: str, path: Path, *, press: str = "", then: str = "", height: int = 0
) -> None:
    """Save a page as a PNG once it shows a text; or press a button then, and wait for another text.

    `height` is that of another window than the usual one, in pixels.

    Raises:
        TimeoutError: it did not show the text.
    """
    with page_opened(url) as call:
        if height:
            size = {"width": WIDTH, "height": height, "deviceScaleFactor": 1, "mobile": False}
            call("Emulation.setDeviceMetricsOverride", **size)
        wait_for_text(call, shows)
        if press:
            wanted = f"button => button.innerText.trim() === {json.dumps(press)}"
            pressing = f"[...document.querySelectorAll('button')].find({wanted}).click()"
            call("Runtime.evaluate", expression=pressing)
            wait_for_text(call, then)
        time.sleep(SETTLE_SECONDS)
        path.write_bytes(base64.b64decode(call("Page.captureScreenshot")["data"]))


def wait_for_text(call: Callable[..., dict[str, Any]], text: str) -> None:
    """Wait until a page shows a text; raise TimeoutError if it does not."""
    question = f"document.body.innerText.includes({json.dumps(text)})"
    deadline = time.monotonic() + PAGE_SECONDS
    while not call("Runtime.evaluate", expression=question)["result"].get("value"):
        if time.monotonic() > deadline:
            raise TimeoutError(f"The page does not show {text!r}")
        time.sleep(0.5)


@contextmanager
def page_opened(url: str) -> Iterator[Callable[..., dict[str, Any]]]:
    """Give what calls a method of DevTools for a page."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            find_browser(),
            "--headless",
            "--hide-scrollbars",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            f"--user-data-dir={profile}",
            f"--window-size={WIDTH},{HEIGHT}",
            "--remote-debugging-port=0",
            url,
        ]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as it:
            try:
                with connect(socket_of_page(Path(profile)), max_size=None, proxy=None) as socket:
                    yield caller(socket)
            finally:
                it.terminate()


def socket_of_page(profile: Path) -> str:
    """Return where DevTools answers for the first page, once the browser has written its port."""
    port_file = profile / "DevToolsActivePort"
    deadline = time.monotonic() + PAGE_SECONDS
    while not port_file.exists() or not port_file.read_text():
        if time.monotonic() > deadline:
            raise TimeoutError("Chromium did not start")
        time.sleep(0.1)
    address = f"http://127.0.0.1:{port_file.read_text().split()[0]}/json/list"
    pages = httpx.get(address, trust_env=False).raise_for_status().json()
    return str(next(page for page in pages if page["type"] == "page")["webSocketDebuggerUrl"])


def caller(socket: Connection) -> Callable[..., dict[str, Any]]:
    """Return what calls a method of DevTools and gives its result."""
    numbers = itertools.count(1)

    def call(method: str, **parameters: object) -> dict[str, Any]:
        number = next(numbers)
        socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while (answer := json.loads(socket.recv(PAGE_SECONDS))).get("id") != number:
            pass
        result: dict[str, Any] = answer["result"]
        return result

    return call


def find_browser() -> str:
    """Return the program of a Chromium.

    Raises:
        FileNotFoundError: there is none.
    """
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise FileNotFoundError("There is no Chromium. On Debian: apt-get install chromium")
