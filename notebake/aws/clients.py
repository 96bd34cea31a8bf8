"""Clients of AWS, and the one place where its errors become ours."""

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from notebake.errors import CapacityError, CloudError

CAPACITY_CODES = {"InsufficientInstanceCapacity", "InsufficientHostCapacity", "Unsupported"}
_lock = threading.Lock()
HINTS = {
    "UnauthorizedOperation": "Ask for this permission, or use other credentials.",
    "AuthFailure": "Check the credentials with: aws sts get-caller-identity",
    "VcpuLimitExceeded": "Ask for a higher vCPU quota in Service Quotas, or use a smaller type.",
    "ExpiredToken": "Log in again, then resume the run.",
}


@functools.cache
def connect(service: str, region: str) -> Any:
    """Return the process's client of a service in a region; clients are safe to share.

    The endpoint comes from AWS_ENDPOINT_URL where that is set, as botocore itself does it.
    """
    config = Config(
        region_name=region,
        retries={"mode": "standard", "total_max_attempts": 5},
        connect_timeout=10,
        read_timeout=60,
        user_agent_appid="notebake",
        max_pool_connections=25,
    )
    # Making clients is not safe to do side by side (boto3 guide, "Session": multithreading).
    with _lock:
        return _session().client(service, config=config)


@functools.cache
def _session() -> Any:
    """Return the process's session: it reads AWS's own descriptions once."""
    return boto3.session.Session()


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
    except BotoCoreError as error:
        raise CloudError(f"Tried to {what}; no answer from AWS: {error}") from error
