"""Children of the warm process: each does its part in a copy of the world, and tells of it."""

import json
import os
import select
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.limits import HANG_SECONDS

LIMIT_SECONDS = HANG_SECONDS
Outcome = dict[str, Any]
SendOutcome = Callable[[Outcome], None]


@dataclass
class Forks:
    """At most so many at a time."""

    at_once: int
    on_outcome: Callable[[str, Outcome], None]
    _running: dict[int, tuple[int, str]] = field(default_factory=dict)
    _received: dict[int, bytes] = field(default_factory=dict)

    def fork(self, name: str) -> SendOutcome | None:
        """Return None in the parent; in the child, what tells and never returns."""
        while len(self._running) >= self.at_once:
            self._receive()
        reading, writing = os.pipe()
        pid = os.fork()
        if pid:
            os.close(writing)
            self._running[reading] = (pid, name)
            return None
        # The children of a parent are not those of its children.
        self._running, self._received = {}, {}
        signal.alarm(LIMIT_SECONDS)

        def send_outcome(outcome: Outcome) -> None:
            with os.fdopen(writing, "w") as stream:
                json.dump(outcome, stream)
            os._exit(0)

        return send_outcome

    def wait(self) -> None:
        """Wait for all that still run."""
        while self._running:
            self._receive()

    def _receive(self) -> None:
        for reading in select.select(list(self._running), [], [])[0]:
            if read := os.read(reading, 65536):
                self._received[reading] = self._received.get(reading, b"") + read
                continue
            os.close(reading)
            pid, name = self._running.pop(reading)
            _, status = os.waitpid(pid, 0)
            content = self._received.pop(reading, b"")
            silent = {"wrong": [f"the child ended without a word (status {status})"]}
            self.on_outcome(name, json.loads(content) if content else silent)


def run_in_child(work: Callable[[], Outcome]) -> Outcome:
    """Return what a copy of this process tells of some work; this process has not done it."""
    outcomes: list[Outcome] = []
    forks = Forks(1, lambda _, reported: outcomes.append(reported))
    if send_outcome := forks.fork("one"):
        send_outcome(work())
    forks.wait()
    return outcomes[0]
