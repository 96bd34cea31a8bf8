"""Prefect's own clients, and the proxies of whoever runs this. Imports Prefect."""

import functools
from functools import partialmethod

from prefect.client.base import PrefectHttpxAsyncClient, PrefectHttpxSyncClient
from prefect.settings import get_current_settings

from notebake.local.loopback import is_loopback


def ask_loopback_directly() -> None:
    """Let Prefect's clients read no proxies where the server is on this machine.

    NO_PROXY would not be enough: httpx fails as soon as a client is made where the environment
    names a proxy for socks, whatever is to be asked. Prefect (3.8) has no setting for it, and makes
    its clients itself.
    """
    if is_loopback(get_current_settings().api.url or ""):
        _let_clients_read_no_environment()


@functools.cache
def _let_clients_read_no_environment() -> None:
    for client in (PrefectHttpxAsyncClient, PrefectHttpxSyncClient):
        direct = partialmethod(client.__init__, trust_env=False)
        client.__init__ = direct  # type: ignore[method-assign, assignment]
