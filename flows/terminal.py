"""What a person sees of a run: a live view on a terminal, calm lines in a pipe, a log file."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from flows.console import open_console
from flows.step_view import StepView
from notebake.progress import Progress, StepFilter, Titles, clean_text, first_line, spell_seconds

LOGGERS = ("flows", "notebake", "tasks")
QUIET_SECONDS = 15.0
"""In a pipe, a step that waits says so at most this often."""


@contextmanager
def show_progress(
    heading: str,
    titles: Titles,
    log_path: Path | None = None,
    *,
    console: Console | None = None,
) -> Iterator[Progress]:
    """Show how the steps go as long as the block runs, and write every record to the log file.

    `titles` are the names and titles of the steps in order.
    Without them, as in a tear-down, every message is a line of its own.
    """
    console = console or open_console()
    progress = Progress(titles)
    with ExitStack() as stack:
        handlers: list[logging.Handler] = [_LineHandler(progress, titles, console)]
        if console.is_terminal and not console.is_dumb_terminal and titles:
            live = Live(StepView(heading, progress), console=console, refresh_per_second=8)
            # An interrupt may come before `start` returns, when the cursor is hidden already.
            stack.callback(live.stop)
            live.start(refresh=True)
            handlers = [_ViewHandler(progress, console)]
        if log_path:
            handlers.append(_file_handler(log_path))
        stack.callback(progress.stop)
        stack.enter_context(_only_these(handlers))
        yield progress


class _ViewHandler(logging.Handler):
    """Feeds the view; what belongs to no step, and every warning, becomes a line above it."""

    def __init__(self, progress: Progress, console: Console) -> None:
        super().__init__()
        self._progress, self._console = progress, console

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of one record."""
        has_step = self._progress.observe(record)
        is_worth_a_line = record.levelno >= (logging.WARNING if has_step else logging.INFO)
        if is_worth_a_line and not hasattr(record, "event") and not hasattr(record, "remote"):
            style = "yellow" if record.levelno >= logging.WARNING else "dim"
            line = Text(f" {clean_text(record.getMessage())}", style)
            self._console.print(line, overflow="fold")


class _LineHandler(logging.Handler):
    """Writes plain lines, `12.3s  Launch the builder: i-0123 running`, without control codes."""

    def __init__(self, progress: Progress, titles: Titles, console: Console) -> None:
        super().__init__(logging.INFO)
        self._progress, self._file = progress, console.file
        self._titles = dict(titles)
        self._quiet_until: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, unless it is a remote line or the step waited a moment ago."""
        self._progress.observe(record)
        if getattr(record, "remote", False) or self._is_repetition(record):
            return
        title = self._titles.get(getattr(record, "step", ""), "")
        said = "" if getattr(record, "event", "") == "started" else _said_by(record)
        line = f"{self._progress.elapsed():8.1f}s  {': '.join(filter(None, (title, said)))}\n"
        encoding = getattr(self._file, "encoding", None) or "utf-8"
        self._file.write(line.encode(encoding, "replace").decode(encoding))
        self._file.flush()

    def _is_repetition(self, record: logging.LogRecord) -> bool:
        if getattr(record, "event", "") != "waiting":
            return False
        step, now = getattr(record, "step", ""), time.monotonic()
        if now < self._quiet_until.get(step, 0.0):
            return True
        self._quiet_until[step] = now + QUIET_SECONDS
        return False


def _said_by(record: logging.LogRecord) -> str:
    """Return what a line says after the step's title."""
    detail, seconds = first_line(str(getattr(record, "detail", ""))), getattr(record, "seconds", 0)
    sentences = {
        "found": f"already there, {detail}",
        "done": f"done in {spell_seconds(seconds)}, {detail}",
        "failed": f"failed after {spell_seconds(seconds)}, {detail}",
    }
    return sentences.get(getattr(record, "event", ""), first_line(record.getMessage()))


def _file_handler(path: Path) -> logging.Handler:
    """Return a handler that appends every record to a private file, in UTC."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(_FileFormatter())
    return handler


class _FileFormatter(logging.Formatter):
    """Time in UTC, level, step and message, which is safe to show with `cat`."""

    def __init__(self) -> None:
        layout = "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(step)s %(message)s"
        super().__init__(layout, datefmt="%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        """Return the record with its traceback, if it has one."""
        return clean_text(super().format(record))


@contextmanager
def _only_these(handlers: Sequence[logging.Handler]) -> Iterator[None]:
    """Let our loggers write to these handlers and no longer to the root's, until the end."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(logger, logger.level, logger.propagate) for logger in loggers]
    for handler in handlers:
        handler.addFilter(StepFilter())
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        for handler in handlers:
            logger.addHandler(handler)
    try:
        yield
    finally:
        for logger, level, propagate in before:
            logger.setLevel(level)
            logger.propagate = propagate
            for handler in handlers:
                logger.removeHandler(handler)
        for handler in handlers:
            handler.close()
