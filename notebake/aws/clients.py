"""AWS clients, and the conversion of their errors into CloudError."""

import functools
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.request import getproxies
from weakref import WeakKeyDictionary

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ChecksumError,
    ClientError,
    ConnectionError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    InvalidConfigError,
)
from botocore.loaders import create_loader
from botocore.parsers import ResponseParserError

from notebake import clock
from notebake.aws import call_recorder
from notebake.aws.addresses import check_address
from notebake.aws.client_hooks import add_hooks
from notebake.aws.error_codes import STILL_CHANGING, is_not_found_yet
from notebake.aws.refusals import configuration_error, no_answer_error, refusal_error
from notebake.aws.session import session as _session
from notebake.errors import CapacityError, CloudError, WaitTimeoutError
from notebake.local.loopback import is_loopback
from notebake.timeouts import CONSISTENCY_SECONDS
from notebake.waiting import wait_until

UNANSWERED = (
    *(ConnectionError, HTTPClientError, ResponseParserError),
    *(IncompleteReadError, ChecksumError, FlexibleChecksumError),
)
T = TypeVar("T")
_lock = threading.Lock()


@functools.cache
def connect(service: str, region: str, *, tries: int = 5) -> Any:
    """Return the process's client of a service in a region; threads may share clients.

    botocore reads AWS_ENDPOINT_URL. A launch gets one try: a zone without capacity answers 500,
    which botocore would retry.
    """
    config = Config(
        region_name=region,
        retries={"mode": "standard", "total_max_attempts": tries},
        connect_timeout=10,
        # A hanging run store must not outlast the run lock that is stored in it.
        read_timeout=15 if service == "s3" else 20,
        user_agent_appid="notebake",
        max_pool_connections=25,
    )
    # Creating clients is not thread-safe (boto3 guide, "Session": multithreading).
    with calling(f"connect to {service} in {region}"), _lock:
        try:
            client = _session().client(service, config=config)
            if getproxies() and is_loopback(client.meta.endpoint_url):
                # botocore's own NO_PROXY does not match ::1 and other loopback addresses.
                client = _session().client(service, config=config.merge(Config(proxies={})))
            check_address(client.meta.endpoint_url)
        except ValueError as error:
            if isinstance(error, BotoCoreError):
                raise
            # botocore raises it for an endpoint without a scheme, and for invalid numbers.
            raise InvalidConfigError(error_msg=str(error)) from error
    add_hooks(client, service, tries)
    call_recorder.register(client, service)
    return client


@functools.cache
def _memories() -> WeakKeyDictionary[Any, dict[Hashable, Any]]:
    return WeakKeyDictionary()


def memory_of(region: str) -> dict[Hashable, Any]:
    """Return the cache of EC2's responses in a region, which lives as long as its client."""
    client = connect("ec2", region)
    with _lock:
        return _memories().setdefault(client, {})


def load_botocore_data(name: str) -> dict[str, Any]:
    """Return a data file that is part of botocore, regardless of settings."""
    return dict(create_loader().load_data(name))


@contextmanager
def calling(what: str) -> Iterator[None]:
    """Convert AWS's errors into CloudError; `what` is what was tried, such as "stop i-01"."""
    try:
        yield
    except ClientError as error:
        raise refusal_error(what, error) from error
    except UNANSWERED as error:
        raise no_answer_error(what, error) from error
    except (BotoCoreError, Boto3Error) as error:
        raise configuration_error(what, error) from error


def until_known(
    call: Callable[[], T],
    *,
    what: str,
    ready_seconds: float = CONSISTENCY_SECONDS,
    check: Callable[[], object] = lambda: None,
) -> T:
    """Return the result of a call; retry it while EC2 does not yet know an existing resource.

    Retry it also while the resource is still changing. Before each retry `check` is called, which
    may raise an error that makes waiting useless. A lack of capacity leaves no outcome unknown: EC2
    recognises a repeated launch by its token.

    Raises:
        CloudError: EC2 refused for another reason, or the wait timed out.
    """
    began = clock.elapsed()
    refusals: list[CloudError] = []

    def attempt() -> tuple[T] | None:
        try:
            with calling(what):
                return (call(),)
        except CloudError as error:
            was_open = any(refusal.is_outcome_unknown for refusal in refusals)
            error.is_outcome_unknown |= was_open and not isinstance(error, CapacityError)
            refusals.append(error)
            is_changing = error.code in STILL_CHANGING
            limit_seconds = ready_seconds if is_changing else CONSISTENCY_SECONDS
            is_retryable = is_changing or is_not_found_yet(error.code)
            if not is_retryable or clock.elapsed() > began + limit_seconds:
                raise
        check()
        return None

    try:
        return wait_until(
            attempt,
            what=f"EC2 to be ready to {what}",
            timeout_seconds=max(ready_seconds, CONSISTENCY_SECONDS),
        )[0]
    except WaitTimeoutError:
        raise refusals[-1] from None


def wait_for_first(find: Callable[[], T | None], what: str) -> T:
    """Wait until EC2 shows a resource that it has reported to exist, and return it."""
    return wait_until(
        find, what=f"EC2 to show {what}, which exists", timeout_seconds=CONSISTENCY_SECONDS
    )
