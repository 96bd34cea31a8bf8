"""Checks whether the model of its service allows a request."""

from typing import Any

from moto.ec2.exceptions import EC2ClientError

from sandbox.messages.call import Call
from sandbox.messages.error_reply import write_error
from sandbox.messages.reply import Reply, read_headers
from sandbox.validation.ec2_query import check_query
from sandbox.validation.json_body import check_body
from sandbox.validation.s3_rest import check_request
from sandbox.validation.values import RequestError

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
