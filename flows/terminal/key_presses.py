"""Single keys that are pressed at a terminal, without Enter."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def key_presses(press: Callable[[str], None]) -> Iterator[bool]:
    """Call `press` in the running event loop for each key; give whether there are keys.

    There are none if standard input is no terminal of POSIX, or if another process has the
    terminal.
    """
    if sys.platform == "win32" or not sys.stdin or not sys.stdin.isatty():
        yield False
        return
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    if os.tcgetpgrp(descriptor) != os.getpgrp():
        yield False
        return
    before = termios.tcgetattr(descriptor)
    loop = asyncio.get_running_loop()

    def read() -> None:
        typed = os.read(descriptor, 64).decode(errors="replace")
        if not typed:
            loop.remove_reader(descriptor)
        for key in typed:
            press(key)

    tty.setcbreak(descriptor)
    loop.add_reader(descriptor, read)
    try:
        yield True
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
