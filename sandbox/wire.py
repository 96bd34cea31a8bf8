"""The sandbox as a WSGI application: AWS calls go to moto and to the strict EC2, all are logged."""

import json
import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import cache
from typing import Any, Protocol

from moto.core.utils import convert_to_flask_response
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import run_wsgi_app

from sandbox import parameter_store, service_quotas
from sandbox.calls import Call, CallLog, read_call, read_code
from sandbox.ec2.cloud import Cloud
from sandbox.ec2.responses import CLOUD_KEY, StrictResponse
from sandbox.web import (
    ConnectionLostError,
    Reply,
    close_connection,
    make_environ,
    read_body,
    read_headers,
)

__all__ = ["ConnectionLostError", "Interceptor", "Reply", "Wire"]

log = logging.getLogger(__name__)

OWN_PATH = "/notebake-sandbox/"
LOST = "ConnectionLost"  # the code in the log of a call that got no answer
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


# The traceback is in the server's log.
INTERNAL_ERROR = Reply(
    500,
    [("Content-Type", "text/xml")],
    b"<Response><Errors><Error><Code>InternalError</Code><Message>The sandbox broke; see its log."
    b"</Message></Error></Errors><RequestID>none</RequestID></Response>",
)


class Interceptor(Protocol):
    """Stands between the caller and the cloud. Either method may raise ConnectionLostError."""

    def before(self, call: Call) -> Reply | None:
        """Answer instead of the cloud, which then never sees the call; None lets it through."""

    def after(self, call: Call, reply: Reply) -> Reply:
        """Return what the caller gets to see of the cloud's answer."""


class Wire:
    """Serves one cloud. `interceptors` may be added and removed at any time."""

    def __init__(self, cloud: Cloud, calls: CallLog) -> None:
        # moto's own images would be offered beside Canonical's.
        os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
        self.cloud = cloud
        self.calls = calls
        self.interceptors: list[Interceptor] = []
        self._moto = DomainDispatcherApplication(_create_app)

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

    def _handle(self, environ: dict[str, Any]) -> Reply:
        path = environ.get("PATH_INFO", "")
        if path.startswith(OWN_PATH):
            return self._answer_own(path.removeprefix(OWN_PATH))
        body = read_body(environ)
        call = read_call(environ["REQUEST_METHOD"], path, read_headers(environ), body)
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
            reply = self._ask_cloud(call, environ)
            for interceptor in list(self.interceptors):
                reply = interceptor.after(call, reply)
        return reply

    def _ask_cloud(self, call: Call, environ: dict[str, Any]) -> Reply:
        environ[CLOUD_KEY] = self.cloud
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = self.cloud.account_id
        if call.service == "ssm":
            parameter_store.publish(self.cloud.account_id, call.region)
        if call.service == "servicequotas" and (quota := service_quotas.answer(call)):
            return Reply(200, [("Content-Type", "application/x-amz-json-1.1")], quota)
        try:
            content, status, headers = run_wsgi_app(self._moto, environ, buffered=True)
        except Exception:
            log.exception("%s of %s broke", call.action, call.service)
            return INTERNAL_ERROR
        return Reply(int(status.split()[0]), list(headers), b"".join(content))

    def _answer_own(self, name: str) -> Reply:
        answers: dict[str, Callable[[], object]] = {
            "health": self._health,
            "calls": lambda: [asdict(record) for record in self.calls.records()],
        }
        content = answers[name]() if name in answers else {"known": sorted(answers)}
        status = 200 if name in answers else 404
        return Reply(status, [("Content-Type", "application/json")], json.dumps(content).encode())

    def _health(self) -> object:
        states = [instance.state for _, instance in self.cloud.instances()]
        counted = {state: states.count(state) for state in sorted(set(states))}
        return {"status": "ok", "account": self.cloud.account_id, "instances": counted}


@cache
def _create_app(service: Any) -> Any:
    """Return moto's application for a service; it knows no cloud until a request names one."""
    app = create_backend_app(service)
    if service == "ec2":
        strict = convert_to_flask_response(StrictResponse.dispatch)
        for endpoint in app.view_functions:
            app.view_functions[endpoint] = strict
    return app
