"""The access key that signs a call: a run's calls must go to the run's account."""

import re
from contextvars import ContextVar
from typing import Any

from notebake.aws.execution import check_access_key
from notebake.aws.session import current_credentials

OF_RUNS = frozenset(("ec2", "scheduler", "ssm"))
"""Services with resources of runs: in another account these would appear to be missing."""
SIGNED_BY = re.compile(r"Credential=([^/,\s]+)/")
_latest_signer: ContextVar[str] = ContextVar("latest signer", default="")


def check_account(service: str, request: Any, **_: Any) -> None:
    """Check the account of a run's signed request, also if it only reads.

    Each request is checked, as the credentials may be renewed, or changed, at any time.
    """
    header = request.headers.get("Authorization", "")
    found = SIGNED_BY.search(header.decode() if isinstance(header, bytes) else header)
    key = found[1] if found else ""
    if service in OF_RUNS:
        check_access_key(key)
    _latest_signer.set(key)


def latest_signer() -> str:
    """Return the access key that signed the latest call of this context."""
    return _latest_signer.get()


def access_key() -> str:
    """Return the access key that signs calls now, or "".

    Raises:
        BotoCoreError: the credentials could not be read.
    """
    credentials = current_credentials()
    return str(credentials.get_frozen_credentials().access_key) if credentials else ""
