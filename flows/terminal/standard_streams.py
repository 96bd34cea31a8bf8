"""What this process says, and its terminal: whatever becomes of them, its work goes on."""

import atexit
import os
import signal
import sys

from flows.terminal.steady_stream import SteadyStream, steady


def outlive_the_terminal() -> None:
    """Let nothing that happens to the terminal or the standard streams end this process.

    SIGHUP, which the kernel sends when the terminal is closed, is ignored, unless somebody handles
    it; Ctrl-C is not.
    """
    replace_closed_streams()
    sys.stdout, sys.stderr = steady(sys.stdout), steady(sys.stderr)
    # When the interpreter itself flushes them, their threads do not run any more.
    atexit.register(sys.stdout.flush)
    atexit.register(sys.stderr.flush)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def replace_closed_streams() -> None:
    """Lead to nowhere what was closed when this process was started (`>&-`).

    Otherwise the next file to be opened gets the number, and whatever is printed lands in it.
    """
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(descriptor, "w" if descriptor else "r", closefd=False))


def failure_of_output() -> OSError | ValueError | None:
    """Return why standard output could not be written; None where it was, or nobody wants more."""
    sys.stdout.flush()
    failure = sys.stdout.failure if isinstance(sys.stdout, SteadyStream) else None
    return None if isinstance(failure, BrokenPipeError) else failure
