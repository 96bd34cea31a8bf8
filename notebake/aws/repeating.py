"""What stands between each call and AWS: who may change anything, and what is asked again.

A call of a run is repeated for a while where the answer is one that passes by itself: by our own
rule, which goes before botocore's, as that ends in seconds, knows fewer of such answers, and asks
no lease. Who only looks is told as soon as botocore gives up.
"""

import functools
import logging
import random
from typing import Any

from botocore.exceptions import ConnectionError, HTTPClientError

from notebake import clock
from notebake.aws.certificate import is_untrusted
from notebake.aws.change_counter import note_change
from notebake.aws.meaning import ENDED, is_passing
from notebake.aws.session import current_credentials
from notebake.aws.signing import check_account
from notebake.execution import check_run_lock, holds_run
from notebake.timeouts import AWS_RETRY_SECONDS
from notebake.waiting import pause

log = logging.getLogger(__name__)
READING = ("Describe", "Get", "List", "Lookup", "Search")
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
RENEWALS = 2
"""How often one call may meet credentials that end just then."""
BEGAN, SIGNED_WITH, RENEWED, WAS_OPEN = (
    f"notebake_{name}" for name in ("began", "signed_with", "renewed", "was_open")
)
"""What is kept of a call in its context, beside what botocore itself keeps there."""
Answer = tuple[Any, dict[str, Any]] | None
"""botocore's: the response of HTTP, and what was read from it; None where none came."""


def stand_before(client: Any, service: str, tries: int) -> None:
    """Look at each call of a client before it is sent, and at what comes of it."""
    events = client.meta.events
    events.register("before-call", check_before_changing)
    events.register("before-sign", _note_signature)
    events.register_first("before-send", functools.partial(check_account, service))
    if service == "ec2":
        # Whatever came of a call, and be it no answer: it may have changed something until now.
        events.register("after-call", _note_if_changing)
        events.register("after-call-error", _note_if_changing)
    repeat = functools.partial(ask_again, client.meta.region_name, tries)
    events.register_first("needs-retry", repeat)


def check_before_changing(model: Any, **_: Any) -> None:
    """Let only who still holds the run change anything in the account.

    The run store is not guarded: the lease itself is kept there, by conditional writes.
    """
    service = model.service_model.service_name
    if service in ("ec2", "scheduler") and not model.name.startswith(READING):
        check_run_lock()


def ask_again(
    region: str,
    tries: int,
    response: Answer,
    caught_exception: Exception | None,
    attempts: int,
    request_dict: dict[str, Any],
    operation: Any,
    **_: Any,
) -> float | None:
    """Tell botocore to send a call again, by how many seconds to wait; None leaves it to botocore.

    Of several rules that say a number the first one counts.
    """
    context = request_dict["context"]
    if _has_ended(response, operation) and _is_renewed(context, region):
        return 0.0
    if not _may_pass(response, caught_exception):
        if response and context.get(WAS_OPEN):
            response[1].setdefault("ResponseMetadata", {})[WAS_OPEN] = True
        return None
    context[WAS_OPEN] = True
    began = context.setdefault(BEGAN, clock.elapsed())
    # A launch goes to another place instead: whoever sends it knows when it is asked for again.
    if tries == 1 or not holds_run() or clock.elapsed() - began > AWS_RETRY_SECONDS:
        return None
    log.info("AWS does not answer %s: asking again", operation.name)
    longest = min(FIRST_PAUSE_SECONDS * 2.0**attempts, LONGEST_PAUSE_SECONDS)
    pause(random.uniform(longest / 2, longest))  # noqa: S311 - so that not all ask at once
    check_before_changing(operation)
    return 0.0


def _may_pass(response: Answer, caught_exception: Exception | None) -> bool:
    """Tell whether the same call may work in a while."""
    if response is None:
        is_lost = isinstance(caught_exception, (ConnectionError, HTTPClientError))
        return is_lost and not is_untrusted(caught_exception)
    return is_passing(_code(response), response[0].status_code)


def _has_ended(response: Answer, operation: Any) -> bool:
    """Tell whether AWS says that the credentials open nothing."""
    if response is None:
        return False
    # The answer to a HEAD has no body that could hold a code; one that names another region is S3's
    # way to send us there.
    is_bare = operation.http.get("method") == "HEAD" and _code(response) == "400"
    is_sent_on = "x-amz-bucket-region" in response[0].headers
    return (is_bare and not is_sent_on) or _code(response) in ENDED


def _is_renewed(context: dict[str, Any], region: str) -> bool:
    """Tell whether there are other credentials now than those with which a call was signed."""
    credentials = current_credentials()
    if credentials is None or context.get(RENEWED, 0) >= RENEWALS:
        return False
    context[RENEWED] = context.get(RENEWED, 0) + 1
    return credentials.renew(context.get(SIGNED_WITH, 0), region)


def _note_signature(request: Any, **_: Any) -> None:
    """Keep with which credentials a call is being signed."""
    if credentials := current_credentials():
        request.context[SIGNED_WITH] = credentials.generation


def _note_if_changing(event_name: str, **_: Any) -> None:
    """Keep that something may have changed."""
    if not event_name.rpartition(".")[2].startswith(READING):
        note_change()


def _code(response: tuple[Any, dict[str, Any]]) -> str:
    return str(response[1].get("Error", {}).get("Code", ""))
