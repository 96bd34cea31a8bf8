"""The sandbox as a WSGI application: AWS calls go to moto and to the strict EC2, all are logged."""

import json
import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cache
from io import BytesIO
from typing import Any, Protocol

from moto.core.utils import convert_to_flask_response
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import run_wsgi_app

from sandbox import parameter_store, service_quotas
from sandbox.calls import Call, CallLog, read_call, read_code
from sandbox.ec2.cloud import Cloud
from sandbox.ec2.responses import CLOUD_KEY, StrictResponse

log = logging.getLogger(__name__)

OWN_PATH = "/notebake-sandbox/"
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


@dataclass(frozen=True)
class Reply:
    """An answer to a call."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


# The traceback is in the server's log.
INTERNAL_ERROR = Reply(
    500,
    [("Content-Type", "text/xml")],
    b"<Response><Errors><Error><Code>InternalError</Code><Message>The sandbox broke; see its log."
    b"</Message></Error></Errors><RequestID>none</RequestID></Response>",
)


class Interceptor(Protocol):
    """Stands between the caller and the cloud."""

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
        """Answer one HTTP request."""
        path = environ.get("PATH_INFO", "")
        if path.startswith(OWN_PATH):
            reply = self._answer_own(path.removeprefix(OWN_PATH))
        else:
            reply = self._answer(_read_body(environ), environ)
        start_response(f"{reply.status} {'OK' if reply.status < 400 else 'Error'}", reply.headers)
        return [reply.body]

    def _answer(self, body: bytes, environ: dict[str, Any]) -> Reply:
        call = read_call(
            environ["REQUEST_METHOD"], environ.get("PATH_INFO", ""), _headers(environ), body
        )
        reply = None
        for interceptor in list(self.interceptors):
            reply = reply or interceptor.before(call)
        if reply is None:
            reply = self._ask_cloud(call, environ)
            for interceptor in list(self.interceptors):
                reply = interceptor.after(call, reply)
        self.calls.add(call, reply.status, read_code(reply.status, reply.body))
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


def _read_body(environ: dict[str, Any]) -> bytes:
    """Read the body and put it back for moto; chunked ones are moto's own affair."""
    if not environ.get("CONTENT_LENGTH"):
        return b""
    body: bytes = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    environ["wsgi.input"] = BytesIO(body)
    return body


def _headers(environ: dict[str, Any]) -> dict[str, str]:
    named = {
        key.removeprefix("HTTP_").replace("_", "-").lower(): value
        for key, value in environ.items()
        if key.startswith("HTTP_")
    }
    return {**named, "content-type": environ.get("CONTENT_TYPE", "")}
