"""The environment in which Prefect is imported and run: its settings, its home, its proxies."""

import functools
import gc
import os
from functools import partialmethod
from pathlib import Path

from flows.local_prefect.configured_server import profiles_path
from notebake.local.home import home
from notebake.local.loopback import is_loopback

SETTINGS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}
QUIET = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL"}
"""For a terminal on which we show the steps ourselves."""


def speed_up_imports() -> None:
    """Make the import of Pydantic and Prefect faster; call this before it."""
    # These imports create hundreds of thousands of permanent objects. With its default threshold
    # the garbage collector would scan them a thousand times.
    gc.set_threshold(100_000)
    # Otherwise Pydantic searches all installed packages for its plugins.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def apply_settings() -> None:
    """Set Prefect's settings that are not set yet; call this before its import."""
    for name, value in (SETTINGS | QUIET).items():
        os.environ.setdefault(name, value)


def ensure_prefect_home() -> None:
    """Give Prefect a writable home; call this before its import.

    The profiles are still read from their original place.
    """
    ensure_home_variable()
    own = Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()
    if not is_writable(own):
        os.environ.setdefault("PREFECT_PROFILES_PATH", str(profiles_path()))
        os.environ["PREFECT_HOME"] = str(home() / "prefect")


def ensure_home_variable() -> None:
    """Set HOME to our home if it cannot be determined: the import of Prefect requires it."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = str(home())


def is_writable(directory: Path) -> bool:
    """Return whether a directory is writable, or can be created."""
    while not directory.exists() and directory != directory.parent:
        directory = directory.parent
    return directory.is_dir() and os.access(directory, os.W_OK | os.X_OK)


def bypass_proxies_for_loopback() -> None:
    """Make Prefect's clients ignore proxies if the server is on this machine.

    NO_PROXY is not sufficient: if the environment names a SOCKS proxy, httpx fails as soon as a
    client is created, for any URL. Prefect (3.8) has no setting for it and creates its own clients.
    """
    from prefect.settings import get_current_settings

    if is_loopback(get_current_settings().api.url or ""):
        _make_clients_ignore_environment()


@functools.cache
def _make_clients_ignore_environment() -> None:
    from prefect.client.base import PrefectHttpxAsyncClient, PrefectHttpxSyncClient

    for client in (PrefectHttpxAsyncClient, PrefectHttpxSyncClient):
        direct = partialmethod(client.__init__, trust_env=False)
        client.__init__ = direct  # type: ignore[method-assign, assignment]
