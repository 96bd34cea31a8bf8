"""Clients of AWS, and the one place where its errors become ours."""

import functools
import logging
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    NoCredentialsError,
)
from botocore.parsers import ResponseParserError
from botocore.session import get_session

from notebake import clock
from notebake.aws.changes import note_change
from notebake.errors import PASSING_CODES, CapacityError, CloudError, WaitTimeoutError
from notebake.patience import AWS_LOST_SECONDS, CATCH_UP_SECONDS
from notebake.run_lease import check_lease, is_executing
from notebake.waiting import pause, wait_until

log = logging.getLogger(__name__)
CAPACITY_CODES = {
    "InsufficientCapacity",
    "InsufficientFreeAddressesInSubnet",
    "InsufficientHostCapacity",
    "InsufficientInstanceCapacity",
    "Unsupported",
}
"""One place has no room, or does not offer the type; another one may."""
READING = ("Describe", "Get", "List", "Lookup", "Search")
T = TypeVar("T")
_lock = threading.Lock()
HINTS = {
    **dict.fromkeys(PASSING_CODES, "It may pass by itself: resume the run in a while."),
    "UnauthorizedOperation": "Ask for this permission, or use other credentials.",
    "AuthFailure": "Check the credentials with: aws sts get-caller-identity",
    "ExpiredToken": "Log in again, then resume the run.",
}


@functools.cache
def connect(service: str, region: str, *, tries: int = 5) -> Any:
    """Return the process's client of a service in a region; clients are safe to share.

    The endpoint comes from AWS_ENDPOINT_URL where that is set, as botocore itself does it. For a
    launch one try is right: botocore would ask a full zone again and again, as it answers 500.
    """
    config = Config(
        region_name=region,
        retries={"mode": "standard", "total_max_attempts": tries},
        connect_timeout=10,
        # A run store that hangs must not outlast the lease that is kept in it.
        read_timeout=15 if service == "s3" else 20,
        user_agent_appid="notebake",
        max_pool_connections=25,
    )
    # Making clients is not safe to do side by side (boto3 guide, "Session": multithreading).
    with _lock:
        client = _session().client(service, config=config)
    client.meta.events.register("before-call", _check_before_changing)
    if service == "ec2":
        # Whatever came of a call, and be it no answer: it may have changed something until now.
        client.meta.events.register("after-call", _note_if_changing)
        client.meta.events.register("after-call-error", _note_if_changing)
    if tries > 1:
        client.meta.events.register("needs-retry", functools.partial(_outlast, tries))
    return client


def _check_before_changing(model: Any, **_: Any) -> None:
    """Let only who still holds the run change anything in the account.

    The run store is not guarded: the lease itself is kept there, by conditional writes.
    """
    service = model.service_model.service_name
    if service in ("ec2", "scheduler") and not model.name.startswith(READING):
        check_lease()


def _note_if_changing(event_name: str, **_: Any) -> None:
    """Keep that something may have changed."""
    if not event_name.rpartition(".")[2].startswith(READING):
        note_change()


@functools.cache
def _memories() -> WeakKeyDictionary[Any, dict[Hashable, Any]]:
    """Return what this process remembers by each client."""
    return WeakKeyDictionary()


def memory_of(region: str) -> dict[Hashable, Any]:
    """Return where to remember what EC2 said in a region; with its client it is forgotten."""
    client = connect("ec2", region)
    with _lock:
        return _memories().setdefault(client, {})


def _outlast(
    tries: int,
    response: tuple[Any, dict[str, Any]] | None,
    caught_exception: Exception | None,
    attempts: int,
    request_dict: dict[str, Any],
    operation: Any,
    **_: Any,
) -> float | None:
    """Have a call of a run repeated for a while after botocore's own tries, which end in seconds.

    Who only looks is told at once. botocore asks each handler whether to try again: a number, the
    seconds to wait, means yes.
    """
    code = response[1].get("Error", {}).get("Code") if response else None
    is_lost = isinstance(caught_exception, (ConnectionError, HTTPClientError))
    began = request_dict["context"].setdefault("notebake_began", clock.elapsed())
    is_over = clock.elapsed() - began > AWS_LOST_SECONDS
    if attempts < tries or is_over or not is_executing() or not (is_lost or code in PASSING_CODES):
        return None
    log.info("AWS does not answer %s: asking again", operation.name)
    pause(min(2.0 ** (attempts - tries), 10.0))
    _check_before_changing(operation)
    return 0.0


@functools.cache
def _session() -> Any:
    """Return the process's session: it reads AWS's own descriptions once."""
    return boto3.session.Session()


def read_own_data(name: str) -> dict[str, Any]:
    """Return one of the descriptions of AWS that come with botocore."""
    return dict(get_session().get_component("data_loader").load_data(name))


@contextmanager
def calling(what: str) -> Iterator[None]:
    """Turn AWS's refusal of `what` (such as "stop i-01") into a CloudError with its code."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        answer = error.response.get("Error", {}).get("Message", "")
        kind = CapacityError if code in CAPACITY_CODES else CloudError
        message = f"Tried to {what}; AWS answered {code}: {answer}"
        raise kind(message, HINTS.get(code, ""), code) from error
    except NoCredentialsError as error:
        hint = "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        raise CloudError(f"Tried to {what}; no AWS credentials were found.", hint) from error
    except (ConnectionError, HTTPClientError, ResponseParserError) as error:
        message = f"Tried to {what}; no answer from AWS: {error}"
        raise CloudError(message, "Check the network, then resume the run.", "NoAnswer") from error
    except BotoCoreError as error:
        raise CloudError(f"Tried to {what}; it could not be asked: {error}") from error


def until_known(call: Callable[[], T], *, what: str) -> T:
    """Return what a call gives, made again while EC2 does not know yet what we know to be there.

    Raises:
        CloudError: EC2 refused for another reason, or still does not know it.
    """
    unknown: list[CloudError] = []

    def answer() -> tuple[T] | None:
        try:
            with calling(what):
                return (call(),)
        except CloudError as error:
            if not error.code.endswith(".NotFound") or error.code == "InvalidPermission.NotFound":
                raise
            unknown.append(error)
            return None

    try:
        return wait_until(
            answer, what=f"EC2 to know what is needed to {what}", timeout_seconds=CATCH_UP_SECONDS
        )[0]
    except WaitTimeoutError:
        raise unknown[-1] from None


def wait_for_first(find: Callable[[], T | None], what: str) -> T:
    """Return what EC2 says is there already, by its name, as soon as it also shows it."""
    return wait_until(
        find, what=f"EC2 to show {what}, which it says exists", timeout_seconds=CATCH_UP_SECONDS
    )
