"""Work in the background, in order for each resource. A thread exists only while it has work."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

log = logging.getLogger(__name__)
Work = Callable[[], object]


class Workers:
    """A queue and a thread for each resource that has work."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: dict[str, deque[Work]] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._is_open = True

    def submit(self, resource_id: str, work: Work) -> None:
        """Do the work after all earlier work on the resource. Does nothing once closed."""
        with self._lock:
            if not self._is_open:
                return
            self._queues.setdefault(resource_id, deque()).append(work)
            if resource_id not in self._threads:
                thread = threading.Thread(target=self._drain, args=(resource_id,), daemon=True)
                self._threads[resource_id] = thread
                thread.start()

    def close(self, timeout_seconds: float) -> None:
        """Accept no more work, drop what has not begun, and wait for what has."""
        with self._lock:
            self._is_open = False
            for queue in self._queues.values():
                queue.clear()
            threads = list(self._threads.values())
        deadline = time.monotonic() + timeout_seconds
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _drain(self, resource_id: str) -> None:
        while work := self._next(resource_id):
            do_work(resource_id, work)

    def _next(self, resource_id: str) -> Work | None:
        with self._lock:
            if self._queues[resource_id]:
                return self._queues[resource_id].popleft()
            del self._queues[resource_id], self._threads[resource_id]
            return None


def do_work(resource_id: str, work: Work) -> None:
    """Do the work; log an exception."""
    try:
        work()
    except Exception:
        # Work records expected failures where a caller sees them; this exception is a bug.
        log.exception("Background work on %s failed", resource_id)
