"""Hooks for each call to AWS: checks before it is sent, and retries.

Calls of a run are retried longer than botocore does: our rule precedes botocore's, knows more
transient errors, and checks the run lock before each retry. Calls outside of an execution are
retried by botocore only.
"""

import functools
import logging
import random
from typing import Any

from botocore.exceptions import ConnectionError, HTTPClientError

from notebake import clock
from notebake.aws.call_counter import count_call
from notebake.aws.certificate import is_untrusted
from notebake.aws.change_counter import record_change
from notebake.aws.error_codes import EXPIRED_CODES, is_transient_code
from notebake.aws.execution import check_run_lock, holds_run
from notebake.aws.session import current_credentials
from notebake.aws.signing import check_account
from notebake.timeouts import AWS_RETRY_SECONDS
from notebake.waiting import pause

log = logging.getLogger(__name__)
READ_ONLY_PREFIXES = ("Describe", "Get", "List", "Lookup", "Search")
FIRST_PAUSE_SECONDS = 0.2
MAX_PAUSE_SECONDS = 5.0
RENEWALS = 2
"""How often one call may renew expired credentials."""
BEGAN, SIGNED_WITH, RENEWED, WAS_OPEN = (
    f"notebake_{name}" for name in ("began", "signed_with", "renewed", "was_open")
)
"""Keys of our entries in botocore's context of a call."""
Response = tuple[Any, dict[str, Any]] | None
"""botocore's HTTP response and its parsed content; None if there was no response."""


def add_hooks(client: Any, service: str, tries: int) -> None:
    """Register the hooks for a client."""
    events = client.meta.events
    events.register("before-call", check_before_changing)
    events.register("before-call", count_call)
    events.register("before-sign", _record_signature)
    events.register_first("before-send", functools.partial(check_account, service))
    if service == "ec2":
        # A call may have changed something even if it failed.
        events.register("after-call", _record_change)
        events.register("after-call-error", _record_change)
    repeat = functools.partial(retry_call, client.meta.region_name, tries)
    events.register_first("needs-retry", repeat)


def check_before_changing(model: Any, **_: Any) -> None:
    """Check the run lock before a call that changes something in the account.

    S3 is excluded: the run lock itself is kept there, by conditional writes.
    """
    service = model.service_model.service_name
    if service in ("ec2", "scheduler") and not model.name.startswith(READ_ONLY_PREFIXES):
        check_run_lock()


def retry_call(
    region: str,
    tries: int,
    response: Response,
    caught_exception: Exception | None,
    attempts: int,
    request_dict: dict[str, Any],
    operation: Any,
    **_: Any,
) -> float | None:
    """Return the seconds after which botocore shall retry a call, or None for botocore's own rule.

    The first rule that returns a number decides.
    """
    context = request_dict["context"]
    if _has_expired(response, operation) and _is_renewed(context, region):
        return 0.0
    if not _is_transient(response, caught_exception):
        if response and context.get(WAS_OPEN):
            response[1].setdefault("ResponseMetadata", {})[WAS_OPEN] = True
        return None
    context[WAS_OPEN] = True
    began = context.setdefault(BEGAN, clock.elapsed())
    # The caller itself retries a launch, in another zone.
    if tries == 1 or not holds_run() or clock.elapsed() - began > AWS_RETRY_SECONDS:
        return None
    log.info("AWS does not answer %s: retrying", operation.name)
    longest = min(FIRST_PAUSE_SECONDS * 2.0**attempts, MAX_PAUSE_SECONDS)
    pause(random.uniform(longest / 2, longest))  # noqa: S311 - spreads the retries of threads
    check_before_changing(operation)
    return 0.0


def _is_transient(response: Response, caught_exception: Exception | None) -> bool:
    if response is None:
        is_lost = isinstance(caught_exception, (ConnectionError, HTTPClientError))
        return is_lost and not is_untrusted(caught_exception)
    return is_transient_code(_code(response), response[0].status_code)


def _has_expired(response: Response, operation: Any) -> bool:
    """Return whether AWS reports that the credentials are not valid, or not any more."""
    if response is None:
        return False
    # The response to a HEAD has no body with an error code; one that names another region is a
    # redirect of S3.
    is_bare = operation.http.get("method") == "HEAD" and _code(response) == "400"
    is_redirect = "x-amz-bucket-region" in response[0].headers
    return (is_bare and not is_redirect) or _code(response) in EXPIRED_CODES


def _is_renewed(context: dict[str, Any], region: str) -> bool:
    """Return whether other credentials are available than those that signed the call."""
    credentials = current_credentials()
    if credentials is None or context.get(RENEWED, 0) >= RENEWALS:
        return False
    context[RENEWED] = context.get(RENEWED, 0) + 1
    return credentials.renew(context.get(SIGNED_WITH, 0), region)


def _record_signature(request: Any, **_: Any) -> None:
    if credentials := current_credentials():
        request.context[SIGNED_WITH] = credentials.generation


def _record_change(event_name: str, **_: Any) -> None:
    if not event_name.rpartition(".")[2].startswith(READ_ONLY_PREFIXES):
        record_change()


def _code(response: tuple[Any, dict[str, Any]]) -> str:
    return str(response[1].get("Error", {}).get("Code", ""))
