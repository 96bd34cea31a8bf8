"""Runs what blocks, such as a call of AWS, beside an event loop that it must not hold up."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


def run_in_background(function: Callable[[], T]) -> "asyncio.Future[T]":
    """Return the result of a function that runs in a thread of its own.

    asyncio's own threads would keep this process alive until a call without network has given up.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def tell(set_outcome: Callable[..., None], outcome: object) -> None:
        if not future.done():
            set_outcome(outcome)

    def work() -> None:
        try:
            result = function()
        except BaseException as error:  # noqa: BLE001 - raised where the result is awaited
            _call(tell, future.set_exception, error)
        else:
            _call(tell, future.set_result, result)

    def _call(*words: object) -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(*words)  # type: ignore[arg-type]

    threading.Thread(target=work, daemon=True).start()
    return future
