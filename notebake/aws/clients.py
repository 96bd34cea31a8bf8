"""Clients of AWS, and the one place where its errors become ours."""

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
from notebake.aws.addresses import check_address
from notebake.aws.meaning import NOT_YET, is_late
from notebake.aws.refusals import as_refused, as_unanswered, as_unasked
from notebake.aws.repeating import stand_before
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
    with calling(f"speak to {service} in {region}"), _lock:
        try:
            client = _session().client(service, config=config)
            if getproxies() and is_loopback(client.meta.endpoint_url):
                # By NO_PROXY botocore would not know ::1, nor what else is on this machine.
                client = _session().client(service, config=config.merge(Config(proxies={})))
            check_address(client.meta.endpoint_url)
        except ValueError as error:
            if isinstance(error, BotoCoreError):
                raise
            # botocore's own for an address without http:// and for numbers that are none.
            raise InvalidConfigError(error_msg=str(error)) from error
    stand_before(client, service, tries)
    return client


@functools.cache
def _memories() -> WeakKeyDictionary[Any, dict[Hashable, Any]]:
    """Return what this process remembers by each client."""
    return WeakKeyDictionary()


def memory_of(region: str) -> dict[Hashable, Any]:
    """Return where to remember what EC2 said in a region; with its client it is forgotten."""
    client = connect("ec2", region)
    with _lock:
        return _memories().setdefault(client, {})


def read_own_data(name: str) -> dict[str, Any]:
    """Return one of the descriptions of AWS that come with botocore; no setting plays a part."""
    return dict(create_loader().load_data(name))


@contextmanager
def calling(what: str) -> Iterator[None]:
    """Turn AWS's refusal of `what` (such as "stop i-01") into a CloudError with its code."""
    try:
        yield
    except ClientError as error:
        raise as_refused(what, error) from error
    except UNANSWERED as error:
        raise as_unanswered(what, error) from error
    except (BotoCoreError, Boto3Error) as error:
        raise as_unasked(what, error) from error


def until_known(
    call: Callable[[], T],
    *,
    what: str,
    ready_seconds: float = CONSISTENCY_SECONDS,
    look: Callable[[], object] = lambda: None,
) -> T:
    """Return what a call gives, made again while EC2 does not know yet what we know to be there.

    It is made again, too, while EC2 is not ready for it, as the thing is still changing; `look` is
    asked each time before, and may raise what makes waiting vain. A lack of room is told by who
    knows what was sent before, too: by its token.

    Raises:
        CloudError: EC2 refused for another reason, or still does not know it, or is not ready.
    """
    began = clock.elapsed()
    refusals: list[CloudError] = []

    def answer() -> tuple[T] | None:
        try:
            with calling(what):
                return (call(),)
        except CloudError as error:
            was_open = any(one.is_outcome_unknown for one in refusals)
            error.is_outcome_unknown |= was_open and not isinstance(error, CapacityError)
            refusals.append(error)
            is_unready = error.code in NOT_YET
            patience_seconds = ready_seconds if is_unready else CONSISTENCY_SECONDS
            may_come = is_unready or is_late(error.code)
            if not may_come or clock.elapsed() > began + patience_seconds:
                raise
        look()
        return None

    try:
        return wait_until(
            answer,
            what=f"EC2 to be ready to {what}",
            timeout_seconds=max(ready_seconds, CONSISTENCY_SECONDS),
        )[0]
    except WaitTimeoutError:
        raise refusals[-1] from None


def wait_for_first(find: Callable[[], T | None], what: str) -> T:
    """Return what EC2 says is there already, by its name, as soon as it also shows it."""
    return wait_until(
        find, what=f"EC2 to show {what}, which it says exists", timeout_seconds=CONSISTENCY_SECONDS
    )
