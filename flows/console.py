"""The terminal that a person reads, or the pipe that stands in for it."""

import io
import sys

from rich.console import Console


def open_console(*, stderr: bool = False) -> Console:
    """Return a console that colours nothing by guess and never fails on a strange character."""
    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")
    return Console(highlight=False, stderr=stderr)
