"""The terminal that a person reads, or the pipe that stands in for it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from flows.terminal.steady_stream import SteadyStream, steady


def open_console(*, stderr: bool = False) -> Console:
    """Return a console that colours nothing by guess and never fails, whatever it is to print."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(highlight=False, file=stream and steady(stream))


@contextmanager
def steadied(console: Console) -> Iterator[None]:
    """Let nothing that is printed on a console fail as long as the block runs."""
    before = console.file
    console.file = steady(before)
    try:
        yield
    finally:
        console.file.flush()
        console.file = before


def failure_of(console: Console) -> OSError | ValueError | None:
    """Return why something could not be printed; None where all was, as far as is known."""
    return console.file.failure if isinstance(console.file, SteadyStream) else None
