"""The Prefect server of an execution: the user's own, or one that notebake starts."""

import fcntl
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType
from typing import TextIO

from flows.local_prefect.configured_server import (
    check_server_responds,
    check_somebody_answers,
    find_configured_server,
    profiles_path,
)
from flows.local_prefect.prefect_environment import (
    apply_settings,
    bypass_proxies_for_loopback,
    ensure_home_variable,
    ensure_prefect_home,
)
from flows.local_prefect.server import read_state, settings_for, starting_server, stop_server
from notebake.errors import NotebakeError
from notebake.local.home import check_home, home
from notebake.local.loopback import bypass_proxy_for_loopback


@contextmanager
def prefect_server() -> Iterator[Callable[[], None]]:
    """Provide a Prefect server while the block runs: the configured one, or our own.

    Our own server is starting when the block begins. The yielded function imports Prefect
    meanwhile, and returns when the server responds; it may be called again. A process has one such
    block for all that it does: Prefect reads only once where its server is.

    Raises:
        HomeError: our own server needs a home, and there is no usable one.
        NotebakeError: our own server did not start, or the configured one does not respond.
    """
    apply_settings()
    bypass_proxy_for_loopback()
    if configured := find_configured_server():
        ensure_prefect_home()
        # What costs money begins before Prefect is imported.
        check_somebody_answers(configured)

        def wait_for_configured() -> None:
            import_flows()
            check_server_responds(configured)

        yield wait_for_configured
        return
    check_home()
    ensure_home_variable()
    with (home() / "server.users").open("w") as users, ExitStack() as stack:
        fcntl.flock(users, fcntl.LOCK_SH)
        stack.callback(stop_unless_used, users)
        starting = stack.enter_context(ExitStack())
        os.environ.update(settings_for(starting.enter_context(starting_server()).url))

        def wait_for_prefect() -> None:
            import_flows()
            starting.close()
            stack.enter_context(without_heartbeats())

        yield wait_for_prefect


def import_flows() -> None:
    """Import Prefect and everything else that a build needs, which takes some seconds.

    Raises:
        NotebakeError: Prefect cannot be imported with its current settings.
    """
    with reraise_lost_interrupt():
        try:
            import flows.build_image  # noqa: F401
        except ValueError as error:  # includes Pydantic's ValidationError
            raise NotebakeError(
                f"Prefect cannot be imported with the settings that it finds: {error}",
                "It reads PREFECT_… in the environment; .env, prefect.toml and pyproject.toml here;"
                f" and its profiles in {profiles_path()}",
            ) from error
        bypass_proxies_for_loopback()


@contextmanager
def reraise_lost_interrupt() -> Iterator[None]:
    """Raise KeyboardInterrupt after the block if the block swallowed one.

    Some of the modules that Prefect imports catch and ignore it.
    """
    received: list[int] = []
    before = signal.getsignal(signal.SIGINT)

    def record_interrupt(number: int, frame: FrameType | None) -> None:
        received.append(number)
        signal.default_int_handler(number, frame)

    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or before is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, record_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if received:
        raise KeyboardInterrupt


@contextmanager
def without_heartbeats() -> Iterator[None]:
    """Disable heartbeats of flows, which nobody monitors on our own server.

    The thread that sends them sleeps for seconds, and a flow waits for it at its end.
    """
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield


def stop_unless_used(users: TextIO) -> None:
    """End our server if no other process holds the lock, unless it was started to stay."""
    with suppress(BlockingIOError):
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        started = read_state()
        if started and not started.stays:
            stop_server()
