"""The log of a run as a file: every record, and a run that goes on where it cannot be written."""

import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from notebake.humanize import clean_text
from notebake.local.atomic_files import make_private_directory


class LogFile(logging.Handler):
    """Appends every record to a private file, in UTC, each whole or not at all.

    Where that fails, `say` is told why, once; what is missing is counted in the file when it can
    be written again.
    """

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        super().__init__()
        self.setFormatter(LineFormatter())
        self._path, self._say = path, say
        self._descriptor: int | None = None
        self._missing = 0
        self._is_torn = False
        self._has_warned = False

    def emit(self, record: logging.LogRecord) -> None:
        """Append a record."""
        try:
            self._append_line(self.format(record))
        except OSError as error:
            self._missing += 1
            if not self._has_warned:
                self._has_warned = True
                self._say(
                    f"The log {self._path} cannot be written: {error.strerror or error}."
                    " The run goes on without it."
                )
        except Exception:  # noqa: BLE001 - as every handler does: a record that cannot be formatted
            self.handleError(record)

    def close(self) -> None:
        """Close the file."""
        self._close_file()
        super().close()

    def _append_line(self, line: str) -> None:
        """Append a line, after saying how many are missing before it."""
        if self._missing:
            count = f"{self._missing} {'line is' if self._missing == 1 else 'lines are'}"
            line = f"{count} missing here: this file could not be written\n{line}"
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
        """Return the open file; it is made where it is missing."""
        if self._descriptor is None:
            make_private_directory(self._path.parent)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._descriptor = os.open(self._path, flags, mode=0o600)
        return self._descriptor

    def _close_file(self) -> None:
        """Close the file; it is opened again for the next record."""
        if self._descriptor is not None:
            # Why it fails was said when a write failed.
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None


class LineFormatter(logging.Formatter):
    """Time in UTC, level, step and message, which is safe to show with `cat`."""

    def __init__(self) -> None:
        layout = "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(step)s %(message)s"
        super().__init__(layout, datefmt="%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        """Return the record with its traceback, if it has one."""
        return clean_text(super().format(record))
