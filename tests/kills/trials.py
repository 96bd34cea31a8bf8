"""Children of the warm process: each is the world at one moment, and what came of it."""

import json
import os
import select
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.kills.points import Case, Point
from tests.limits import HANG_SECONDS

LIMIT_SECONDS = HANG_SECONDS


@dataclass
class Verdict:
    """What the world looked like at the end."""

    completed: bool = False
    by_itself: bool = True
    """Without anybody resuming the run."""
    doubled: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    record: list[str] = field(default_factory=list)
    """What is wrong in the record, or missing in it."""
    error: str = ""
    log: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    """What was changed in EC2 after the kill, where that was asked for."""
    passed: int = 0
    """How far on its way the trial got: calls and commands."""
    seconds: float = 0
    """Of the processor's time."""

    @property
    def is_good(self) -> bool:
        return self.completed and not self.doubled and not self.left and not self.record


@dataclass
class Trial:
    """One way in which the run was disturbed."""

    point: Point
    case: Case
    detail: str = ""
    verdict: Verdict | None = None

    @property
    def label(self) -> str:
        return f"{self.case}: {self.point.label} {self.detail}".rstrip()


class Children:
    """At most so many at a time."""

    def __init__(self, at_once: int, on_verdict: Callable[[Trial], None]) -> None:
        self.at_once, self.on_verdict = at_once, on_verdict
        self._running: dict[int, tuple[int, Trial]] = {}

    def fork(self, trial: Trial) -> Callable[[Verdict], None] | None:
        """Return None in the parent; in the child, what reports a verdict and never returns."""
        while len(self._running) >= self.at_once:
            self._reap()
        reading, writing = os.pipe()
        pid = os.fork()
        if pid:
            os.close(writing)
            self._running[reading] = (pid, trial)
            return None
        signal.alarm(LIMIT_SECONDS)

        began = time.process_time()

        def report(verdict: Verdict) -> None:
            verdict.seconds = time.process_time() - began
            with os.fdopen(writing, "w") as stream:
                json.dump(asdict(verdict), stream)
            os._exit(0)

        return report

    def wait(self) -> None:
        """Wait for all that still run."""
        while self._running:
            self._reap()

    def _reap(self) -> None:
        ready = select.select(list(self._running), [], [])[0]
        for reading in ready:
            pid, trial = self._running[reading]
            content = _read_some(reading, trial)
            if content is not None:
                del self._running[reading]
                _, status = os.waitpid(pid, 0)
                trial.verdict = _verdict_of(content, status)
                self.on_verdict(trial)


_partial: dict[int, bytes] = {}


def _read_some(reading: int, _trial: Trial) -> bytes | None:
    """Return everything once the other end is closed."""
    read = os.read(reading, 65536)
    _partial[reading] = _partial.get(reading, b"") + read
    if read:
        return None
    os.close(reading)
    return _partial.pop(reading)


def _verdict_of(content: bytes, status: int) -> Verdict:
    if not content:
        return Verdict(error=f"the child ended without a word (status {status})")
    fields: dict[str, Any] = json.loads(content)
    return Verdict(**fields)
