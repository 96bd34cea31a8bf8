"""The log file of a run. A run continues if its log cannot be written."""

import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from notebake.humanize import clean_text, pluralize
from notebake.local.atomic_files import make_private_directory

LOGGERS = ("flows", "notebake", "tasks")
"""The loggers whose records are shown and kept."""


class LogFile(logging.Handler):
    """Appends each record to a private file, with its time in UTC.

    The first failure is passed to `show_warning`. As soon as the file can be written again, it
    contains the number of missing lines.
    """

    def __init__(self, path: Path, show_warning: Callable[[str], None]) -> None:
        super().__init__()
        self.setFormatter(LineFormatter())
        self._path, self._show_warning = path, show_warning
        self._descriptor: int | None = None
        self._missing = 0
        self._is_torn = False
        self._has_warned = False

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._append_line(self.format(record))
        except OSError as error:
            self._missing += 1
            if not self._has_warned:
                self._has_warned = True
                self._show_warning(
                    f"The log {self._path} cannot be written: {error.strerror or error}."
                    " The run goes on without it."
                )
        except Exception:  # noqa: BLE001 - as in every handler: the record cannot be formatted
            self.handleError(record)

    def close(self) -> None:
        self._close_file()
        super().close()

    def _append_line(self, line: str) -> None:
        """Append a line, after the number of lines that are missing before it."""
        if self._missing:
            verb = "is" if self._missing == 1 else "are"
            count = pluralize(self._missing, "line")
            line = f"{count} {verb} missing here: this file could not be written\n{line}"
        torn = "\n" if self._is_torn else ""
        left = f"{torn}{line}\n".encode(errors="backslashreplace")
        try:
            while left:
                written = os.write(self._open(), left)
                left, self._is_torn = left[written:], written < len(left)
        except OSError:
            self._close_file()
            raise
        self._missing = 0

    def _open(self) -> int:
        """Return the open file, which is created if it is missing."""
        if self._descriptor is None:
            make_private_directory(self._path.parent)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._descriptor = os.open(self._path, flags, mode=0o600)
        return self._descriptor

    def _close_file(self) -> None:
        """Close the file; the next record opens it again."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None


class LineFormatter(logging.Formatter):
    """Time in UTC, level, step and message, without control codes."""

    def __init__(self) -> None:
        layout = "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(step)s %(message)s"
        super().__init__(layout, datefmt="%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        return clean_text(super().format(record))
