"""A cloud whose states last no time, and workers that a test runs step by step."""

from collections import deque

from sandbox.ec2.state.latency import QUICK, Latency, Span
from sandbox.ec2.state.workers import Work, Workers, do_work

NO_LATENCY = Latency(dict.fromkeys(QUICK, Span(0, 0, 0)))


class ManualWorkers(Workers):
    """Does the work on request, in the caller's thread.

    Nothing that takes time (boot, stop, image, attachment ...) progresses in between, so that a
    test decides in which state the next call finds the cloud. Survives a fork.
    """

    def __init__(self) -> None:
        super().__init__()
        self._waiting: deque[tuple[str, Work]] = deque()

    def submit(self, resource_id: str, work: Work) -> None:
        """Keep the work until it is run. Does nothing once closed."""
        if self._is_open:
            self._waiting.append((resource_id, work))

    def run_next(self) -> bool:
        """Do the oldest work; return whether there was any."""
        if not self._waiting:
            return False
        do_work(*self._waiting.popleft())
        return True

    def run_all(self) -> int:
        """Do all work, and the work that it submits; return how many pieces there were."""
        done = 0
        while self.run_next():
            done += 1
        return done

    def waiting(self) -> list[str]:
        """Return the resources with work that waits, the oldest first."""
        return [resource_id for resource_id, _ in self._waiting]

    def close(self, timeout_seconds: float = 0) -> None:
        """Accept no more work, and drop what waits."""
        del timeout_seconds
        self._is_open = False
        self._waiting.clear()
