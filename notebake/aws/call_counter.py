"""Counts the calls to AWS that this process makes while a block runs, in whichever threads."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class CallCounter:
    """How many calls were sent so far; a retried call counts once."""

    def __init__(self) -> None:
        self.calls = 0


_lock = threading.Lock()
_counters: list[CallCounter] = []


@contextmanager
def counting_calls() -> Iterator[CallCounter]:
    """Count the calls of the process while the block runs."""
    counter = CallCounter()
    with _lock:
        _counters.append(counter)
    try:
        yield counter
    finally:
        with _lock:
            _counters.remove(counter)


def count_call(**_: Any) -> None:
    """Count a call that is about to be sent; botocore emits this event once for each call."""
    with _lock:
        for counter in _counters:
            counter.calls += 1
