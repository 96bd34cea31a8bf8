"""The API of a Prefect server, for what Prefect's client has no method for."""

import os

import httpx

from notebake.timeouts import PREFECT_ANSWER_SECONDS


def connected(url: str) -> httpx.Client:
    """Return a client of a server's API: Prefect's own, which asks a busy server again.

    A server that shares SQLite with bakes answers 503 while the database is locked.
    A server with a password takes PREFECT_API_AUTH_STRING of the environment, as USER:PASSWORD.
    """
    from prefect.client.base import PrefectHttpxSyncClient

    user, _, password = os.environ.get("PREFECT_API_AUTH_STRING", "").partition(":")
    return PrefectHttpxSyncClient(
        base_url=f"{url}/api",
        auth=(user, password) if user else None,
        timeout=PREFECT_ANSWER_SECONDS,
        trust_env=False,
    )
