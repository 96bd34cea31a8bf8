"""Records each call that changes something in AWS: before it is sent, and when it is answered.

botocore emits an event before and after each call, so no call can be forgotten here. Both entries
hold botocore's invocation id, which the request carries to AWS (header amz-sdk-invocation-id); the
answer also holds the request id by which AWS knows the call, as in CloudTrail.
"""

import uuid
from typing import Any

from notebake.aws import state_recorder
from notebake.aws.call_parameters import created_ids, recordable
from notebake.aws.client_hooks import READ_ONLY_PREFIXES, WAS_OPEN
from notebake.aws.error_codes import may_have_taken_effect
from notebake.ledger.chain import Chain
from notebake.ledger.kinds import ANSWERED, SENT, UNANSWERED
from notebake.ledger.recording import current_chain, current_purpose

RECORDED_SERVICES = frozenset(("ec2", "scheduler", "ssm"))
"""The services in which runs have resources. The run store itself is kept in S3."""
PARAMETERS, CHAIN = "notebake_parameters", "notebake_chain"
"""What is kept in the context of a call."""


def register(client: Any, service: str) -> None:
    """Record the calls of a client from now on."""
    if service in RECORDED_SERVICES:
        events = client.meta.events
        events.register_last("before-parameter-build", _note_parameters)
        events.register_last("before-call", record_sent)
        events.register_last("after-call", record_answered)
        events.register_last("after-call-error", record_unanswered)
    if service == "ec2":
        state_recorder.register(client)


def _note_parameters(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context[PARAMETERS] = params


def record_sent(model: Any, context: dict[str, Any], **_: Any) -> None:
    """Record that a call is about to be sent; if that fails, the call is not sent."""
    parameters = context.get(PARAMETERS, {})
    purpose = current_purpose()
    chain = purpose.chain if purpose else current_chain()
    if chain is None or model.name.startswith(READ_ONLY_PREFIXES) or parameters.get("DryRun"):
        return
    retries = context.setdefault("retries", {})
    call = retries.setdefault("invocation-id", str(uuid.uuid4()))
    note = purpose.note if purpose and model.name in purpose.operations else {}
    chain.append(
        SENT,
        {
            "call": call,
            "service": model.service_model.service_name,
            "operation": model.name,
            "region": context["client_region"],
            "parameters": recordable(parameters),
            **note,
        },
    )
    context[CHAIN] = chain


def record_answered(parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
    """Record the response of AWS to a recorded call."""
    chain: Chain | None = context.get(CHAIN)
    if chain is None:
        return
    metadata = parsed.get("ResponseMetadata", {})
    code = str(parsed.get("Error", {}).get("Code", ""))
    status = int(metadata.get("HTTPStatusCode", 0))
    body = {
        "call": context["retries"]["invocation-id"],
        "request": str(metadata.get("RequestId", "")),
        "date": str(metadata.get("HTTPHeaders", {}).get("date", "")),
        "status": status,
        "error": code,
    }
    if code:
        was_open = bool(context.get(WAS_OPEN))
        body["may_have_happened"] = may_have_taken_effect(code, status, was_open=was_open)
    else:
        body["created"] = created_ids(model.name, parsed)
    chain.append(ANSWERED, body)


def record_unanswered(exception: Exception, context: dict[str, Any], **_: Any) -> None:
    """Record that no response to a recorded call came."""
    chain: Chain | None = context.get(CHAIN)
    if chain is not None:
        call = context["retries"]["invocation-id"]
        chain.append(UNANSWERED, {"call": call, "error": type(exception).__name__})
