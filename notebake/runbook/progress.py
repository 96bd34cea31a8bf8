"""The progress of a run, derived from its log records.

Records carry `event` (checking, started, waiting, found, done, failed), `seconds` and `detail` from
`carry_out`, and `remote` for a line that a host printed.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from notebake.humanize import first_line
from notebake.runbook.step import current_step

Titles = Sequence[tuple[str, str]]
"""Names and titles of the steps, in order."""


class State(StrEnum):
    """The state of a step."""

    PENDING = "pending"
    RUNNING = "running"
    FOUND = "already there"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class StepProgress:
    """One step as it is shown."""

    name: str
    title: str
    state: State = State.PENDING
    message: str = ""
    began: float = 0.0
    seconds: float = 0.0


class StepFilter(logging.Filter):
    """Adds the current step to each record; on a handler, it sees the records of all loggers."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.step = current_step.get()
        return True


class Progress:
    """The steps of a run, and the last lines from its hosts. Thread-safe."""

    def __init__(self, titles: Titles, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.is_over = False
        self._clock = clock
        self._began = clock()
        self._lock = threading.Lock()
        self._steps = {name: StepProgress(name, title) for name, title in titles}
        self._remote: deque[tuple[str, str]] = deque(maxlen=2)

    def observe(self, record: logging.LogRecord) -> bool:
        """Process a record; return False if it belongs to no step of this run."""
        name: str = getattr(record, "step", "")
        with self._lock:
            step = self._steps.get(name)
            if getattr(record, "remote", False):
                # A progress bar overwrites its line, so only the last part counts.
                if line := first_line(record.getMessage().rstrip().rpartition("\r")[2]):
                    self._remote.append((name, line))
            elif step:
                self._steps[name] = self._advance(step, record)
            return step is not None

    def steps(self) -> list[StepProgress]:
        """Return the current steps; running ones with the seconds that they have taken so far."""
        now = self._clock()
        with self._lock:
            return [
                replace(step, seconds=now - step.began) if step.state is State.RUNNING else step
                for step in self._steps.values()
            ]

    def remote_lines(self) -> list[str]:
        """Return the last lines that hosts printed in running steps."""
        with self._lock:
            return [line for _, line in self._remote]

    def elapsed(self) -> float:
        return self._clock() - self._began

    def stop(self) -> None:
        stopped = [replace(step, state=State.STOPPED, message="") for step in self.steps()
                   if step.state is State.RUNNING]  # fmt: skip
        with self._lock:
            self._steps.update({step.name: step for step in stopped})
            self._remote.clear()
            self.is_over = True

    def _advance(self, step: StepProgress, record: logging.LogRecord) -> StepProgress:
        event: str = getattr(record, "event", "")
        message = first_line(str(getattr(record, "detail", "")))
        now = self._clock()
        if event in ("checking", "started"):
            began = step.began if step.state is State.RUNNING else now
            return replace(step, state=State.RUNNING, began=began, message=message)
        if event in ("found", "done", "failed"):
            state = {"found": State.FOUND, "done": State.DONE}.get(event, State.FAILED)
            self._remote = deque((pair for pair in self._remote if pair[0] != step.name), maxlen=2)
            seconds = float(getattr(record, "seconds", now - step.began))
            return replace(step, state=state, message=message, seconds=seconds)
        if record.levelno >= logging.INFO and step.state is State.RUNNING:
            return replace(step, message=first_line(record.getMessage()))
        return step
