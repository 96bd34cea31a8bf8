"""A Prefect server for as long as something is executed: the user's own, or ours."""

import fcntl
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType
from typing import TextIO

from flows.local_prefect import settings
from flows.local_prefect.choice import chosen_server, profiles_path
from flows.local_prefect.prefect_home import give_a_home_to_python, give_prefect_a_home
from flows.local_prefect.server import read_state, settings_for, starting_server, stop_server
from notebake.errors import NotebakeError
from notebake.local.home import check_home, home
from notebake.local.loopback import bypass_proxy_for_loopback


@contextmanager
def prefect_server() -> Iterator[Callable[[], None]]:
    """Let Prefect find a server as long as the block runs: the user's own, or ours.

    Ours is on its way when the block begins; what the block is given imports Prefect meanwhile,
    and returns when the server answers.

    Raises:
        HomeError: ours needs a home, and there is none that can be used.
        NotebakeError: ours did not start, with the end of its log; or the user's does not answer.
    """
    settings.apply(quiet=True)
    bypass_proxy_for_loopback()
    if choice := chosen_server():
        give_prefect_a_home()

        def wait_for_users_own() -> None:
            import_flows()
            from flows.local_prefect.answer import check_it_answers

            check_it_answers(choice)

        yield wait_for_users_own
        return
    check_home()
    give_a_home_to_python()
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
    """Import Prefect and all that a build needs, which takes some seconds.

    Raises:
        NotebakeError: Prefect's settings are such that it cannot be imported.
    """
    with reraise_lost_interrupt():
        try:
            import flows.build_image  # noqa: F401
        except ValueError as error:  # Pydantic's kinds
            raise NotebakeError(
                f"Prefect cannot be imported with the settings that it finds: {error}",
                "It reads PREFECT_… in the environment; .env, prefect.toml and pyproject.toml here;"
                f" and its profiles in {profiles_path()}",
            ) from error
        from flows.local_prefect.proxies import ask_loopback_directly

        ask_loopback_directly()


@contextmanager
def reraise_lost_interrupt() -> Iterator[None]:
    """Raise KeyboardInterrupt after the block, if one came and got lost in it.

    Among what thousands of modules do while they are imported, something lets it pass in silence.
    """
    heard: list[int] = []
    before = signal.getsignal(signal.SIGINT)

    def hear(number: int, frame: FrameType | None) -> None:
        heard.append(number)
        signal.default_int_handler(number, frame)

    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or before is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, hear)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if heard:
        raise KeyboardInterrupt


@contextmanager
def without_heartbeats() -> Iterator[None]:
    """Let flows send no heartbeats: on a server of our own nobody looks for them.

    The thread that sends them sleeps for whole seconds, and a flow waits for it at its end.
    """
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield


def stop_unless_used(users: TextIO) -> None:
    """End our server if nobody else has the lock, unless it was started to stay."""
    with suppress(BlockingIOError):
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        kept = read_state()
        if kept and not kept.stays:
            stop_server()
