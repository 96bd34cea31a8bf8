"""Who answers a call: the strict EC2, moto for the other services, or what moto lacks."""

import logging
import os
import threading
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

from moto.core.utils import convert_to_flask_response
from moto.ec2.exceptions import EC2ClientError
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import run_wsgi_app

from sandbox.ec2.calls.protocol import find_protocol_error, finish_reply
from sandbox.ec2.calls.request_buckets import RequestBuckets
from sandbox.ec2.calls.responses import CLOUD_KEY, StrictResponse
from sandbox.ec2.state.cloud import Cloud
from sandbox.messages.call import Call
from sandbox.messages.error_reply import refuse, write_error
from sandbox.messages.reply import Reply, read_headers
from sandbox.services import pricing, service_quotas
from sandbox.services.scheduler_calls import SchedulerCalls
from sandbox.services.ssm_parameters import SsmParameters
from sandbox.validation.ec2_query import check_query
from sandbox.validation.json_body import check_body
from sandbox.validation.s3_rest import check_request
from sandbox.validation.values import RequestError

log = logging.getLogger(__name__)

BROKEN = "The sandbox has a bug: its log has the traceback."


class Dispatcher:
    """All services, of all accounts."""

    def __init__(self, cloud: Cloud) -> None:
        # moto would offer its own images besides Canonical's.
        os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
        self._cloud = cloud
        self._moto = DomainDispatcherApplication(_create_app)
        self._scheduler = SchedulerCalls(cloud)
        self._parameters = SsmParameters(cloud)
        self._buckets = RequestBuckets(cloud.clock)
        self._s3_lock = threading.Lock()

    def answer(self, call: Call, environ: dict[str, Any]) -> Reply:
        """Answer a call. An exception is logged and becomes an InternalError."""
        try:
            return self._answer_here(call, environ) or self._answer_by_moto(call, environ)
        except Exception:
            log.exception("%s of %s raised an exception", call.action, call.service)
            return write_error(call.service, 500, "InternalError", BROKEN)

    def _answer_here(self, call: Call, environ: dict[str, Any]) -> Reply | None:
        if call.service == "ec2" and self._cloud.latency.limits_requests:
            with self._cloud.lock:
                if not self._buckets.admit(call):
                    return refuse(call, "RequestLimitExceeded")
        if error := find_protocol_error(call) or find_parameter_error(call, environ):
            return error
        if call.service == "servicequotas":
            return service_quotas.answer(self._cloud, call)
        if call.service == "pricing":
            return pricing.answer(call)
        if call.service == "scheduler":
            return self._scheduler.before(call)
        if call.service == "ssm":
            with self._cloud.lock:
                return self._parameters.before(call)
        return None

    def _answer_by_moto(self, call: Call, environ: dict[str, Any]) -> Reply:
        environ[CLOUD_KEY] = self._cloud
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = call.account_id or self._cloud.account_id
        with self._lock_for(call):
            content, status, headers = run_wsgi_app(self._moto, environ, buffered=True)
            reply = Reply(int(status.split()[0]), list(headers), b"".join(content))
            if call.service == "scheduler":
                self._scheduler.after(call, reply)
            if call.service == "ssm":
                self._parameters.after(call, reply)
            return finish_reply(call, reply) if call.service == "ec2" else reply

    def _lock_for(self, call: Call) -> AbstractContextManager[Any]:
        """Return the lock of a service in which moto first reads and then writes.

        S3 promises that of several conditional writes exactly one succeeds:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        if call.service == "s3":
            return self._s3_lock
        return self._cloud.lock if call.service in ("scheduler", "ssm") else nullcontext()


@cache
def _create_app(service: Any) -> Any:
    """Return moto's application for a service. Each request names the cloud that it is for."""
    app = create_backend_app(service)
    if service == "ec2":
        strict = convert_to_flask_response(StrictResponse.dispatch)
        for endpoint in app.view_functions:
            app.view_functions[endpoint] = strict
    return app


JSON_SERVICES = ("pricing", "scheduler", "servicequotas", "ssm")


def find_parameter_error(call: Call, environ: dict[str, Any]) -> Reply | None:
    """Return the service's error for wrong parameters; None if they are right."""
    try:
        if call.service == "ec2":
            check_query(call.action, call.parameters)
        elif call.service == "s3":
            query = environ.get("QUERY_STRING", "")
            check_request(call.parameters.get("key", ""), query, read_headers(environ))
        elif call.service in JSON_SERVICES and "body" in call.parameters:
            check_body(call.service, call.operation, call.parameters["body"])
    except (EC2ClientError, RequestError) as error:
        return write_error(call.service, 400, str(error.code), str(error.message))
    return None
