"""What somebody does with a server from their own computer: logins, tunnels, a browser, files."""

import http.server
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from tests.idle.cases import BURN, Case
from tests.sandbox.bake_world import wait_for
from tests.sandbox.bakery import Login
from tests.sandbox.idle_world import PORT, Server

BIG_BYTES = 40_000_000
PAPERMILL_CELL = f"import subprocess; subprocess.run(['bash', '-c', {BURN!r}])"
NOTEBOOK = {
    **{"metadata": {}, "nbformat": 4, "nbformat_minor": 5},
    "cells": [
        {
            **{"cell_type": "code", "id": "a", "metadata": {}, "outputs": []},
            **{"execution_count": None, "source": PAPERMILL_CELL},
        }
    ],
}


@contextmanager
def held_open(login: Login, case: Case) -> Iterator[None]:
    """Hold the connection of the case open, and type or send files in it."""
    if not case.held and case.uses != "upload":
        yield
        return
    options, command = list(case.held), []
    if options[-1:] == ["top"]:
        command = [options.pop()]
    words = login.words()
    whole = [*words, *options, f"{login.user}@{login.address}", *command]
    if case.uses == "upload":
        big = login.key.parent / "big"
        big.write_bytes(bytes(BIG_BYTES))
        whole = ["sftp", "-q", "-l", "1600", "-b", "-", *words[1:], f"{login.user}@{login.address}"]
    with subprocess.Popen(whole, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as held:
        assert held.stdin
        if case.uses == "upload":
            held.stdin.write(f"put {big} big\n".encode())
            held.stdin.flush()
        time.sleep(2)
        typing = start_typing(held) if case.types else None
        try:
            yield
            assert held.poll() is None, "the connection is still open"
        finally:
            held.kill()
            if typing:
                typing()


def start_typing(held: subprocess.Popen[bytes]) -> Any:
    """Type each second, until the function returned is called."""
    ended = threading.Event()

    def type_on() -> None:
        assert held.stdin
        while not ended.wait(1):
            try:
                held.stdin.write(b"x")
                held.stdin.flush()
            except OSError:
                return

    thread = threading.Thread(target=type_on)
    thread.start()

    def end() -> None:
        ended.set()
        thread.join()

    return end


@contextmanager
def logged_in(server: Server, login: Login, command: str) -> Iterator[None]:
    """Log in, type, and leave; what is downloaded is served meanwhile."""
    login.run(f"cat > /home/ubuntu/burn.ipynb <<'END'\n{json.dumps(NOTEBOOK)}\nEND")
    login.run("chown ubuntu /home/ubuntu/burn.ipynb")
    with slowly_served(server.cloud.home.gateway) as url:
        whole = [*login.words(), f"{login.user}@{login.address}"]
        text = command.replace("URL", f"{url}/big")
        subprocess.run([*whole, text], check=True, stdin=subprocess.DEVNULL)
        time.sleep(1)
        yield


@contextmanager
def slowly_served(address: str) -> Iterator[str]:
    """Serve a file without end at 200 kB/s: the limit of a client would come in bursts."""
    ended = threading.Event()

    class Slow(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                while not ended.wait(0.1):
                    self.wfile.write(bytes(20_000))

    with http.server.ThreadingHTTPServer((address, 0), Slow) as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://{address}:{serving.server_port}"
        ended.set()
        serving.shutdown()
        thread.join()


@contextmanager
def open_tab(server: Server, login: Login) -> Iterator[None]:
    """Open the notebook of the case in a browser, through a tunnel."""
    token = login.run("cat /etc/notebake/jupyter-token")
    port = 20000 + server.cloud.home.number
    tunnel = [*login.words(), "-N", "-L", f"{port}:127.0.0.1:{PORT}"]
    browser = [
        *("chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"),
        f"--user-data-dir={server.folder / 'browser'}",
        f"http://127.0.0.1:{port}/lab/tree/tab.ipynb?token={token}",
    ]
    quiet = partial(
        subprocess.Popen, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with quiet([*tunnel, f"{login.user}@{login.address}"]) as line:
        try:
            time.sleep(2)
            with quiet(browser) as page:
                try:
                    wait_for(lambda: is_connected(login), "the notebook in the browser")
                    time.sleep(10)
                    yield
                finally:
                    page.terminate()
        finally:
            line.terminate()


def is_connected(login: Login) -> bool:
    """Tell whether a page is connected to the kernel."""
    ask = (
        "curl --silent --fail --header"
        ' "Authorization: token $(cat /etc/notebake/jupyter-token)"'
        f" 'http://127.0.0.1:{PORT}/api/kernels?no_track_activity=1'"
    )
    return any(kernel["connections"] for kernel in json.loads(login.run(ask)))
