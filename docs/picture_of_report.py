"""The picture of a rehearsal's report, drawn from what a real rehearsal printed on a terminal."""

import os
import pty
import re
import subprocess
import sys
import termios
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

PROJECT = Path(__file__).parents[1]
ROWS, COLUMNS = 60, 100
FROM_THE_WEB = re.compile(r"\s*@font-face \{.*?\}\n", flags=re.DOTALL)
"""Rich's pictures name a font of another host; a code host does not load it."""


def picture_report(path: Path) -> None:
    """Rehearse on a terminal, and draw the report as it was printed there."""
    printed = run_on_terminal(["make", "rehearsal"])
    console = Console(record=True, width=COLUMNS, file=StringIO())
    console.print(Text.from_ansi(report_in(printed)))
    drawn = console.export_svg(title="make rehearsal", unique_id="report")
    path.write_text(f"{FROM_THE_WEB.sub('', drawn)}\n", encoding="utf-8")


def run_on_terminal(command: list[str]) -> str:
    """Return what a program prints on a terminal, colours and all.

    Raises:
        RuntimeError: it failed.
    """
    ours, its = pty.openpty()
    termios.tcsetwinsize(its, (ROWS, COLUMNS))
    variables = os.environ | {"TERM": "xterm-256color"}
    running = subprocess.Popen(
        command, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=its, stderr=its, env=variables
    )
    os.close(its)
    printed = bytearray()
    while chunk := read_terminal(ours):
        printed += chunk
        sys.stdout.buffer.write(chunk)
        sys.stdout.flush()
    if running.wait() != 0:
        raise RuntimeError(f"{' '.join(command)} failed with exit code {running.returncode}")
    return printed.decode(errors="replace")


def read_terminal(descriptor: int) -> bytes:
    """Return what has arrived; nothing once the program has closed its end, which is an error."""
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


def report_in(printed: str) -> str:
    """Return the report at the end of what a rehearsal has printed.

    Raises:
        ValueError: there is none.
    """
    lines = printed.replace("\r", "").splitlines()
    numbers = [number for number, line in enumerate(lines) if "Image ami-" in line]
    if not numbers:
        raise ValueError("A rehearsal printed no report")
    return "\n".join(lines[numbers[-1] :])
