"""What answers AWS calls: the strict EC2, moto for the other services, and what moto lacks."""

import logging
import os
import threading
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import cache
from typing import Any

from moto.core.utils import convert_to_flask_response
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import run_wsgi_app

from sandbox.ec2.calls import protocol
from sandbox.ec2.calls.responses import CLOUD_KEY, StrictResponse
from sandbox.ec2.state.cloud import Cloud
from sandbox.messages.call import Call
from sandbox.messages.reply import Reply
from sandbox.services import pricing, service_quotas, ssm_parameters
from sandbox.services.scheduler_calls import SchedulerCalls
from sandbox.validation.check import refuse_parameters

log = logging.getLogger(__name__)

XML = [("Content-Type", "text/xml;charset=UTF-8")]
# The traceback is in the server's log.
INTERNAL_ERROR = Reply(
    500,
    XML,
    b"<Response><Errors><Error><Code>InternalError</Code><Message>The sandbox broke; see its log."
    b"</Message></Error></Errors><RequestID>none</RequestID></Response>",
)


class Backends:
    """All services of one account."""

    def __init__(self, cloud: Cloud) -> None:
        # moto's own images would be offered beside Canonical's.
        os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
        self._cloud = cloud
        self._moto = DomainDispatcherApplication(_create_app)
        self._scheduler = SchedulerCalls(cloud)
        self._s3_lock = threading.Lock()

    def ask(self, call: Call, environ: dict[str, Any]) -> Reply:
        """Answer a call; whatever breaks is an InternalError, and in the log."""
        try:
            return self._answer_here(call, environ) or self._ask_moto(call, environ)
        except Exception:
            log.exception("%s of %s broke", call.action, call.service)
            return INTERNAL_ERROR

    def _answer_here(self, call: Call, environ: dict[str, Any]) -> Reply | None:
        if call.service == "unsigned" and protocol.is_action(call.action):
            is_old = "SignatureVersion" in call.parameters
            return Reply(401, XML, protocol.unsigned(has_old_signature=is_old))
        if call.service == "ec2" and not protocol.is_action(call.action):
            return Reply(400, XML, protocol.unknown_action(call.action))
        if wrong := refuse_parameters(call, environ):
            return wrong
        if call.service == "servicequotas":
            return service_quotas.answer(self._cloud, call)
        if call.service == "pricing":
            return pricing.answer(call)
        if call.service == "scheduler":
            return self._scheduler.before(call)
        if call.service == "ssm":
            ssm_parameters.publish(self._cloud.account_id, call.region)
        return None

    def _ask_moto(self, call: Call, environ: dict[str, Any]) -> Reply:
        environ[CLOUD_KEY] = self._cloud
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = self._cloud.account_id
        with self._one_at_a_time(call):
            content, status, headers = run_wsgi_app(self._moto, environ, buffered=True)
            reply = Reply(int(status.split()[0]), list(headers), b"".join(content))
            if call.service == "scheduler":
                self._scheduler.after(call, reply)
            if call.service == "ec2":
                return _addressed(call, reply)
            return reply

    def _one_at_a_time(self, call: Call) -> AbstractContextManager[Any]:
        """Hold other calls of the service off where moto looks first and writes afterwards.

        S3 promises that of several conditional writes one wins:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        if call.service == "s3":
            return self._s3_lock
        return self._cloud.lock if call.service == "scheduler" else nullcontext()


def _addressed(call: Call, reply: Reply) -> Reply:
    body = protocol.address(call.action, reply.body)
    headers = [one for one in reply.headers if one[0].lower() != "content-length"]
    return replace(reply, headers=[*headers, ("Content-Length", str(len(body)))], body=body)


@cache
def _create_app(service: Any) -> Any:
    """Return moto's application for a service; it knows no cloud until a request names one."""
    app = create_backend_app(service)
    if service == "ec2":
        strict = convert_to_flask_response(StrictResponse.dispatch)
        for endpoint in app.view_functions:
            app.view_functions[endpoint] = strict
    return app
