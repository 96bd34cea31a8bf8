"""Counts the calls to AWS that a block makes, in all its threads."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any


class CallCounter:
    """How many calls were sent so far; a retried call counts once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.calls = 0

    def add(self) -> None:
        with self._lock:
            self.calls += 1


_counter: ContextVar[CallCounter | None] = ContextVar("counter of AWS calls", default=None)


@contextmanager
def counting_calls() -> Iterator[CallCounter]:
    """Count the calls that the block makes, also in threads that it starts with its context."""
    counter = CallCounter()
    token = _counter.set(counter)
    try:
        yield counter
    finally:
        _counter.reset(token)


def count_call(**_: Any) -> None:
    """Count a call that is about to be sent; botocore emits this event once for each call."""
    if counter := _counter.get():
        counter.add()
