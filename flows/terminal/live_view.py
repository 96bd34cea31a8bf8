"""Shows the progress of a run: a live view on a terminal, plain lines otherwise, and a log file."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from flows.terminal.console import failure_of, open_console, steadied
from flows.terminal.log_file import LOGGERS, LogFile
from flows.terminal.step_view import StepView
from notebake.errors import NotebakeError
from notebake.humanize import clean_text, first_line, format_seconds
from notebake.runbook.progress import Progress, StepFilter, Titles

log = logging.getLogger(__name__)
QUIET_SECONDS = 15.0
"""In plain lines, the shortest interval between messages of a waiting step."""


@contextmanager
def show_progress(
    heading: str,
    titles: Titles,
    log_path: Path | None = None,
    *,
    console: Console | None = None,
) -> Iterator[Progress]:
    """Show the progress of the steps while the block runs, and log every record to the file.

    Without titles, every message is a line of its own.
    """
    console = console or open_console()
    progress = Progress(titles)
    with ExitStack() as stack:
        stack.enter_context(steadied(console))
        shown: _TerminalHandler = _LineHandler(progress, titles, console)
        if console.is_terminal and not console.is_dumb_terminal and titles:
            live = Live(StepView(heading, progress), console=console, refresh_per_second=8)
            # An interrupt may come before `start` returns, and the cursor be hidden already.
            stack.callback(live.stop)
            live.start(refresh=True)
            shown = _ViewHandler(progress, console)
        handlers: list[logging.Handler] = [shown]
        if log_path:
            handlers.append(LogFile(log_path, show_warning=shown.show_line))
        stack.callback(progress.stop)
        stack.enter_context(_attached(handlers))
        stack.enter_context(_logging_end(console))
        yield progress


@contextmanager
def _logging_end(console: Console) -> Iterator[None]:
    """Log how the block failed, and a failure of the output, as the terminal may not show them."""
    try:
        yield
    except BaseException as error:
        is_expected = isinstance(error, (NotebakeError, KeyboardInterrupt))
        log.debug("It ended with %s: %s", type(error).__name__, error, exc_info=not is_expected)
        raise
    finally:
        if failure := failure_of(console):
            log.debug("Not all of the output could be written: %s", failure)


class _TerminalHandler(logging.Handler):
    """Shows records; a record that cannot be shown raises no error."""

    def __init__(self, progress: Progress, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self._progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.show(record)
        except Exception:  # noqa: BLE001 - as in every handler
            self.handleError(record)

    def show(self, record: logging.LogRecord) -> None:
        raise NotImplementedError

    def show_line(self, line: str) -> None:
        raise NotImplementedError


class _ViewHandler(_TerminalHandler):
    """Updates the view; a record without a step, and every warning, becomes a line above it."""

    def __init__(self, progress: Progress, console: Console) -> None:
        super().__init__(progress)
        self._console = console

    def show(self, record: logging.LogRecord) -> None:
        has_step = self._progress.observe(record)
        is_worth_a_line = record.levelno >= (logging.WARNING if has_step else logging.INFO)
        if is_worth_a_line and not hasattr(record, "event") and not hasattr(record, "remote"):
            style = "yellow" if record.levelno >= logging.WARNING else "dim"
            self.show_line(record.getMessage(), style)

    def show_line(self, line: str, style: str = "yellow") -> None:
        self._console.print(Text(f" {clean_text(line)}", style), overflow="fold")


class _LineHandler(_TerminalHandler):
    """Writes plain lines, `12.3s  Launch the builder: i-0123 running`, without control codes."""

    def __init__(self, progress: Progress, titles: Titles, console: Console) -> None:
        super().__init__(progress, logging.INFO)
        self._file = console.file
        self._titles = dict(titles)
        self._quiet_until: dict[str, float] = {}

    def show(self, record: logging.LogRecord) -> None:
        """Write a record, unless it is a remote line or repeats that a step waits."""
        self._progress.observe(record)
        if getattr(record, "remote", False) or self._is_repetition(record):
            return
        title = self._titles.get(getattr(record, "step", ""), "")
        text = "" if getattr(record, "event", "") == "started" else _text_of(record)
        self.show_line(": ".join(filter(None, (title, text))))

    def show_line(self, line: str) -> None:
        self._file.write(f"{self._progress.elapsed():8.1f}s  {line}\n")
        self._file.flush()

    def _is_repetition(self, record: logging.LogRecord) -> bool:
        if getattr(record, "event", "") != "waiting":
            return False
        step, now = getattr(record, "step", ""), time.monotonic()
        if now < self._quiet_until.get(step, 0.0):
            return True
        self._quiet_until[step] = now + QUIET_SECONDS
        return False


def _text_of(record: logging.LogRecord) -> str:
    """Return the text of a line after the step's title."""
    detail, seconds = first_line(str(getattr(record, "detail", ""))), getattr(record, "seconds", 0)
    sentences = {
        "found": f"already there, {detail}",
        "done": f"done in {format_seconds(seconds)}, {detail}",
        "failed": f"failed after {format_seconds(seconds)}, {detail}",
    }
    return sentences.get(getattr(record, "event", ""), first_line(record.getMessage()))


@contextmanager
def _attached(handlers: Sequence[logging.Handler]) -> Iterator[None]:
    """Make our loggers use these handlers instead of the root's while the block runs."""
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
