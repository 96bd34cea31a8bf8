"""Sentences and commands below each other, and what is waited for meanwhile."""

import logging
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console

COMMAND = "  aws "
"""How a line begins that is to be copied: it is never broken."""
WAITING = "notebake.waiting"
MARGIN = re.compile(r" *(?:\S+ {2,})?")
"""What the lines below a broken one leave free: its indentation, and a label in front of it."""
NARROWEST = 20


def print_lines(console: Console, lines: Iterable[str]) -> None:
    """Print lines: on a terminal wrapped between words, elsewhere as they are."""
    for line in lines:
        keeps = line.startswith(COMMAND) or not console.is_terminal
        console.print(line, markup=False, soft_wrap=keeps)


def print_whole_words(console: Console, lines: Iterable[str]) -> None:
    """Print lines: on a terminal broken between words, below their labels; elsewhere as they are.

    A word that is longer than a line, such as a URL, is left whole, to be copied.
    """
    for line in lines:
        width = console.width if console.is_terminal else 0
        for part in break_between_words(line, width):
            console.print(part, markup=False, soft_wrap=True)


def break_between_words(line: str, width: int) -> list[str]:
    """Return a line in parts of at most this width; a width of 0 breaks nothing."""
    found = MARGIN.match(line)
    margin = len(found[0]) if found else 0
    if not width or len(line) <= width or width - margin < NARROWEST:
        return [line]
    parts = textwrap.wrap(
        line[margin:], width - margin, break_long_words=False, break_on_hyphens=False
    )
    return [
        f"{' ' * margin if number else line[:margin]}{each}" for number, each in enumerate(parts)
    ]


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
