"""The sandbox as a WSGI application: calls meet faults, are answered, and are all logged."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from sandbox.api.control_calls import OwnCalls
from sandbox.api.dispatch import Backends
from sandbox.ec2.state.cloud import Cloud
from sandbox.injection.injector import FaultGate
from sandbox.messages.call import Call, CallLog, read_call, read_code
from sandbox.messages.reply import (
    ConnectionLostError,
    Reply,
    close_connection,
    make_environ,
    read_body,
    read_headers,
)
from sandbox.services.schedules import Schedules

__all__ = ["ConnectionLostError", "Interceptor", "Reply", "Wire", "ticking"]

OWN_PATH = "/notebake-sandbox/"
LOST = "ConnectionLost"  # the code in the log of a call that got no answer
TICK_SECONDS = 0.1
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class Interceptor(Protocol):
    """Stands between the caller and the cloud. Either method may raise ConnectionLostError."""

    def before(self, call: Call) -> Reply | None:
        """Answer instead of the cloud, which then never sees the call; None lets it through."""

    def after(self, call: Call, reply: Reply) -> Reply:
        """Return what the caller gets to see of the cloud's answer."""


class Wire:
    """Serves one cloud. `interceptors` may be added and removed at any time.

    They stand outside of the cloud's own faults, `cloud.faults`: `gate.put` adds to those.
    """

    def __init__(self, cloud: Cloud, calls: CallLog) -> None:
        self.cloud = cloud
        self.calls = calls
        self.interceptors: list[Interceptor] = []
        self.gate = FaultGate(cloud)
        self._backends = Backends(cloud)
        self._schedules = Schedules(self._handle_signed, cloud.account_id)
        self._own = OwnCalls(cloud, calls, self.gate, self.catch_up)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one HTTP request. Raises ConnectionLostError once the socket has been closed."""
        try:
            reply = self._handle(environ)
        except ConnectionLostError:
            close_connection(environ)
            raise
        start_response(f"{reply.status} {'OK' if reply.status < 400 else 'Error'}", reply.headers)
        return [reply.body]

    def handle(self, method: str, url: str, headers: dict[str, str], body: bytes = b"") -> Reply:
        """Answer one signed request in this thread: no server, no socket, no thread of its own.

        The same as over HTTP in all but this: where a client's connection would be closed
        without an answer, ConnectionLostError is raised. Let the host in `url` be an address, as
        in http://127.0.0.1: moto would read a bucket from the first word of a name.
        """
        return self._handle(make_environ(method, url, headers, body))

    def catch_up(self) -> None:
        """Let happen what is due by the cloud's clock. Every call does this first."""
        self.cloud.catch_up()
        with self.cloud.lock:
            self._schedules.run_due(self.cloud.clock.now())

    def _handle(self, environ: dict[str, Any]) -> Reply:
        self.catch_up()
        path = environ.get("PATH_INFO", "")
        body = read_body(environ)
        if path.startswith(OWN_PATH):
            name, query = path.removeprefix(OWN_PATH), environ.get("QUERY_STRING", "")
            return self._own.answer(environ["REQUEST_METHOD"], name, query, body)
        return self._handle_call(environ, body)

    def _handle_call(self, environ: dict[str, Any], body: bytes) -> Reply:
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        query = environ.get("QUERY_STRING", "")
        call = read_call(method, path, read_headers(environ), body, query)
        try:
            reply = self._answer(call, environ)
        except ConnectionLostError:
            self.calls.add(call, 0, LOST)
            raise
        self.calls.add(call, reply.status, read_code(reply.status, reply.body))
        return reply

    def _answer(self, call: Call, environ: dict[str, Any]) -> Reply:
        reply = None
        for interceptor in list(self.interceptors):
            reply = reply or interceptor.before(call)
        if reply is None:
            reply = self.gate.answer(call, lambda: self._backends.ask(call, environ))
            for interceptor in list(self.interceptors):
                reply = interceptor.after(call, reply)
        return reply

    def _handle_signed(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Reply:
        """Answer a call of a service inside the cloud, which is about to catch up already."""
        environ = make_environ(method, url, headers, body)
        return self._handle_call(environ, read_body(environ))


@contextmanager
def ticking(wire: Wire) -> Iterator[None]:
    """Let the cloud catch up by itself while the block runs: not everything waits for a call."""
    end = threading.Event()

    def tick() -> None:
        while not end.wait(TICK_SECONDS):
            wire.catch_up()

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()
