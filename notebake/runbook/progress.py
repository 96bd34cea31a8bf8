"""How far a run has come, read from its log records alone.

Records carry `event` (looking, started, waiting, found, done, failed), `seconds` and `detail` as
`carry_out` gives them, and `remote` for a line that a host printed.
"""

import logging
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from notebake.runbook.step import current_step

Titles = Sequence[tuple[str, str]]
"""Names and titles of the steps, in order."""

# What would move the cursor, colour the terminal, set its title or turn the direction of text.
ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]")
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class State(StrEnum):
    """What is known of a step."""

    PENDING = "pending"
    RUNNING = "running"
    FOUND = "already there"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class StepProgress:
    """One step as a person sees it."""

    name: str
    title: str
    state: State = State.PENDING
    message: str = ""
    began: float = 0.0
    seconds: float = 0.0


class StepFilter(logging.Filter):
    """Note on each record which step wrote it; belongs on a handler, so as to see all records."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let everything pass."""
        record.step = current_step.get()
        return True


class Progress:
    """The steps of a run, and the last lines from its hosts. Safe to share between threads."""

    def __init__(self, titles: Titles, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.is_over = False
        self._clock = clock
        self._began = clock()
        self._lock = threading.Lock()
        self._steps = {name: StepProgress(name, title) for name, title in titles}
        self._remote: deque[tuple[str, str]] = deque(maxlen=2)

    def observe(self, record: logging.LogRecord) -> bool:
        """Take note of a record; False if it belongs to no step of this run."""
        name: str = getattr(record, "step", "")
        with self._lock:
            step = self._steps.get(name)
            if getattr(record, "remote", False):
                # A progress bar returns to the start of its line: what counts came last.
                if line := first_line(record.getMessage().rstrip().rpartition("\r")[2]):
                    self._remote.append((name, line))
            elif step:
                self._steps[name] = self._advance(step, record)
            return step is not None

    def steps(self) -> list[StepProgress]:
        """Return the steps as they stand, running ones with the seconds they have taken."""
        now = self._clock()
        with self._lock:
            return [
                replace(step, seconds=now - step.began) if step.state is State.RUNNING else step
                for step in self._steps.values()
            ]

    def remote_lines(self) -> list[str]:
        """Return the last lines that hosts printed in steps that still run."""
        with self._lock:
            return [line for _, line in self._remote]

    def elapsed(self) -> float:
        """Return for how many seconds the run has been watched."""
        return self._clock() - self._began

    def stop(self) -> None:
        """Take note that nothing runs any more."""
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
        if event in ("looking", "started"):
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


def clean_text(text: str) -> str:
    """Return the text without what would act on a terminal: a host may print anything."""
    return UNPRINTABLE.sub("", ESCAPES.sub("", text)).expandtabs(4)


def first_line(text: str) -> str:
    """Return the first line of the text, clean."""
    return next(iter(clean_text(text).strip().splitlines()), "")


def spell_seconds(seconds: float) -> str:
    """Return a duration as people say it, in at most 10 characters below 100 hours."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
