"""A stretch of road to the cloud on which whoever sends a certain request is killed."""

import http.server
import os
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.limits import HANG_SECONDS


class KillingProxy(http.server.ThreadingHTTPServer):
    """Passes requests on to the cloud, until one matches: its sender is killed instead."""

    daemon_threads = True

    def __init__(self, cloud_url: str, is_fatal: Callable[[str], bool]) -> None:
        super().__init__(("127.0.0.1", 0), PassOn)
        self.cloud_url, self.is_fatal = cloud_url, is_fatal
        self.victim = 0
        """The process to kill; 0 until it is known."""
        self.killed = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class PassOn(http.server.BaseHTTPRequestHandler):
    """Handles one request."""

    server: KillingProxy
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Pass it on, or kill; the killing request never reaches the cloud."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.server.victim and self.server.is_fatal(body.decode()):
            os.kill(self.server.victim, signal.SIGKILL)
            self.server.killed.set()
            self.close_connection = True
            return
        status, headers, answer = self._ask_cloud(body)
        self.send_response(status)
        for name, value in headers:
            if name.lower() in ("content-type", "x-amzn-requestid"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _ask_cloud(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        kept = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        request = urllib.request.Request(  # noqa: S310
            self.server.cloud_url + self.path, data=body, headers=kept
        )
        try:
            with urllib.request.urlopen(request, timeout=HANG_SECONDS) as answer:  # noqa: S310
                return answer.status, answer.getheaders(), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, list(error.headers.items()), error.read()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def killing_proxy(cloud_url: str, is_fatal: Callable[[str], bool]) -> Iterator[KillingProxy]:
    """Run a proxy while the block runs."""
    with KillingProxy(cloud_url, is_fatal) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
