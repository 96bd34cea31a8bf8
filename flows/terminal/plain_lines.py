"""Sentences and commands below each other, and what is waited for meanwhile."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console

COMMAND = "  aws "
"""How a line begins that is to be copied: it is never broken."""
WAITING = "notebake.waiting"


def print_lines(console: Console, lines: Iterable[str]) -> None:
    """Print lines: on a terminal wrapped between words, elsewhere as they are."""
    for line in lines:
        keeps = line.startswith(COMMAND) or not console.is_terminal
        console.print(line, markup=False, soft_wrap=keeps)


@contextmanager
def showing_waits(console: Console) -> Iterator[None]:
    """Show what the block waits for: on a terminal in place, elsewhere each change as a line."""
    log = logging.getLogger(WAITING)
    before = log.level
    with console.status("") as status:
        handler = WaitingLines(console, status.update)
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        try:
            yield
        finally:
            log.removeHandler(handler)
            log.setLevel(before)


class WaitingLines(logging.Handler):
    """Shows the last message of each wait; threads may wait for several things."""

    def __init__(self, console: Console, update: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self._console, self._update = console, update
        self._shown: dict[str, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Show a message in place of the one before about the same."""
        message = record.getMessage()
        self._shown[message.rpartition(": ")[0] or message] = message
        if self._console.is_terminal:
            self._update("\n".join(self._shown.values()))
        else:
            self._console.print(message, markup=False, soft_wrap=True)
