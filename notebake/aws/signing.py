"""Who signs a call: a run's calls go to no other account than its own."""

import re
from contextvars import ContextVar
from typing import Any

from notebake.aws.session import current_credentials
from notebake.execution import check_access_key

OF_RUNS = frozenset(("ec2", "scheduler", "ssm"))
"""Services in which runs have things: where nothing is shown of them, that must be true."""
SIGNED_BY = re.compile(r"Credential=([^/,\s]+)/")
_latest_signer: ContextVar[str] = ContextVar("latest signer", default="")


def check_account(service: str, request: Any, **_: Any) -> None:
    """Let a run's calls go to no other account than its own, also those that only look.

    Asked of each request as it is signed: credentials may be renewed, or changed, at any moment.
    """
    said = request.headers.get("Authorization", "")
    found = SIGNED_BY.search(said.decode() if isinstance(said, bytes) else said)
    key = found[1] if found else ""
    if service in OF_RUNS:
        check_access_key(key)
    _latest_signer.set(key)


def latest_signer() -> str:
    """Return the access key that signed the latest call made here."""
    return _latest_signer.get()


def access_key() -> str:
    """Return the access key that calls are signed with now; "" where there is none.

    Raises:
        BotoCoreError: the credentials could not be read.
    """
    credentials = current_credentials()
    return str(credentials.get_frozen_credentials().access_key) if credentials else ""
