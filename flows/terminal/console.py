"""Rich consoles on the standard streams."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from flows.terminal.steady_stream import SteadyStream, steady


def open_console(*, stderr: bool = False) -> Console:
    """Return a console without automatic highlighting, whose output never fails."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(highlight=False, file=stream and steady(stream))


@contextmanager
def steadied(console: Console) -> Iterator[None]:
    """Make the output of a console never fail while the block runs."""
    before = console.file
    console.file = steady(before)
    try:
        yield
    finally:
        console.file.flush()
        console.file = before


def failure_of(console: Console) -> OSError | ValueError | None:
    """Return the first error of the output; None if there was none so far."""
    return console.file.failure if isinstance(console.file, SteadyStream) else None
