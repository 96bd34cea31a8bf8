"""Pseudo-terminals: when somebody last typed into one, and warnings to all of them."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

from notebake.machines.idle.signals import Terminal

FOLDER = "/dev/pts"


def read_terminals(folder: str = FOLDER) -> tuple[Terminal, ...]:
    """Return the pseudo-terminals. Output does not touch the time of input, nor does a warning.

    The kernel sets a terminal's access time when a program reads from it, its modification time
    when one writes to it (tty_read and tty_write in drivers/tty/tty_io.c).
    """
    return tuple(_terminals(folder))


def _terminals(folder: str) -> Iterator[Terminal]:
    for path in _paths(folder):
        try:
            status = path.stat()
        except OSError:  # closed meanwhile
            continue
        yield Terminal(f"pts/{path.name}", _user_name(status.st_uid), status.st_atime)


def _paths(folder: str) -> list[Path]:
    found = [path for path in Path(folder).iterdir() if path.name.isdigit()]
    return sorted(found, key=lambda path: int(path.name))


def _user_name(user_id: int) -> str:
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:
        return str(user_id)


def write_to_terminals(text: str, folder: str = FOLDER) -> int:
    """Write a line to all of them, as wall(1) does, which knows logins only; return to how many.

    A terminal that takes nothing now, as its program has stopped reading, is passed over.
    """
    written = 0
    for path in _paths(folder):
        try:
            terminal = os.open(path, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError:
            continue
        try:
            os.write(terminal, f"\r\n{text}\r\n".encode())
            written += 1
        except OSError:
            continue
        finally:
            os.close(terminal)
    return written
