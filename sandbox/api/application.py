"""The sandbox as a WSGI application: it logs each call, applies faults, and answers."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.utils import format_datetime
from typing import Any, Protocol

from sandbox.api.control_calls import ControlCalls
from sandbox.api.dispatch import Dispatcher
from sandbox.api.unknown_regions import find_region_error
from sandbox.ec2.state.cloud import Cloud
from sandbox.injection.injector import FaultInjector
from sandbox.messages.call import Call, CallLog, read_call, read_code
from sandbox.messages.reply import (
    ConnectionLostError,
    Reply,
    close_connection,
    make_environ,
    read_body,
    read_headers,
)
from sandbox.messages.request_id import with_request_id
from sandbox.services.schedules import Schedules

__all__ = ["Application", "ConnectionLostError", "Interceptor", "Reply", "ticking"]

CONTROL_PATH = "/notebake-sandbox/"
LOST = "ConnectionLost"  # the code in the log of a call without a reply
TICK_SECONDS = 0.1
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class Interceptor(Protocol):
    """Stands between the caller and the cloud. Either method may raise ConnectionLostError."""

    def before(self, call: Call) -> Reply | None:
        """Return a reply in place of the cloud's, which then does not get the call; or None."""

    def after(self, call: Call, reply: Reply) -> Reply:
        """Return the reply that the caller gets in place of the cloud's."""


class Application:
    """Serves a cloud. `interceptors` may be added and removed at any time.

    They stand between the caller and the faults, which `injector.add` adds.
    """

    def __init__(self, cloud: Cloud, calls: CallLog) -> None:
        self.cloud = cloud
        self.calls = calls
        self.interceptors: list[Interceptor] = []
        self.injector = FaultInjector(cloud)
        self._dispatcher = Dispatcher(cloud)
        self._schedules = Schedules(self._handle_signed, cloud.account_ids)
        self._control = ControlCalls(cloud, calls, self.injector, self.catch_up)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer an HTTP request. Raises ConnectionLostError after closing the socket."""
        try:
            reply = self._handle(environ)
        except ConnectionLostError:
            close_connection(environ)
            raise
        start_response(f"{reply.status} {'OK' if reply.status < 400 else 'Error'}", reply.headers)
        return [reply.body]

    def handle(self, method: str, url: str, headers: dict[str, str], body: bytes = b"") -> Reply:
        """Answer a signed request in the caller's thread, without server and socket.

        Raises ConnectionLostError where the connection would be closed without a reply. The host
        in `url` must be an address, as in http://127.0.0.1: moto reads the first word of a host's
        name as a bucket.
        """
        return self._handle(make_environ(method, url, headers, body))

    def catch_up(self) -> None:
        """Do what is due by the cloud's clock. Every call does this first."""
        self.cloud.catch_up()
        with self.cloud.lock:
            self._schedules.run_due(self.cloud.clock.now())

    def _handle(self, environ: dict[str, Any]) -> Reply:
        self.catch_up()
        path = environ.get("PATH_INFO", "")
        body = read_body(environ)
        if path.startswith(CONTROL_PATH):
            name, query = path.removeprefix(CONTROL_PATH), environ.get("QUERY_STRING", "")
            return self._control.answer(environ["REQUEST_METHOD"], name, query, body)
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
        reply, request = with_request_id(reply, call.service)
        if call.service == "ec2":
            now = format_datetime(self.cloud.clock.now(), usegmt=True)
            headers = [header for header in reply.headers if header[0].lower() != "date"]
            reply = replace(reply, headers=[*headers, ("date", now)])
        self.calls.add(call, reply.status, read_code(reply.status, reply.body), request)
        return reply

    def _answer(self, call: Call, environ: dict[str, Any]) -> Reply:
        if error := find_region_error(call):
            return error
        reply = None
        for interceptor in list(self.interceptors):
            reply = reply or interceptor.before(call)
        if reply is None:
            reply = self.injector.answer(call, lambda: self._dispatcher.answer(call, environ))
            for interceptor in list(self.interceptors):
                reply = interceptor.after(call, reply)
        return reply

    def _handle_signed(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Reply:
        """Answer a call from a service inside the cloud, which is already catching up."""
        environ = make_environ(method, url, headers, body)
        return self._handle_call(environ, read_body(environ))


@contextmanager
def ticking(application: Application) -> Iterator[None]:
    """Let the cloud catch up regularly while the block runs, also without calls."""
    end = threading.Event()

    def tick() -> None:
        while not end.wait(TICK_SECONDS):
            application.catch_up()

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()
