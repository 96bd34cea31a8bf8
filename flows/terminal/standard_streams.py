"""Protects this process from failures of its standard streams and its terminal."""

import atexit
import os
import signal
import sys

from flows.terminal.steady_stream import SteadyStream, steady


def outlive_the_terminal() -> None:
    """Keep this process running if its terminal or a standard stream is closed.

    SIGHUP, which the kernel sends when the terminal is closed, is ignored unless it has a handler.
    Ctrl-C still interrupts.
    """
    replace_closed_streams()
    sys.stdout, sys.stderr = steady(sys.stdout), steady(sys.stderr)
    # When the interpreter flushes them at exit, their threads have already ended.
    atexit.register(sys.stdout.flush)
    atexit.register(sys.stderr.flush)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def replace_closed_streams() -> None:
    """Replace standard streams that were closed at the start (`>&-`) by /dev/null.

    Otherwise the next opened file gets the descriptor, and printed text is written to it.
    """
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free descriptor
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(descriptor, "w" if descriptor else "r", closefd=False))


def failure_of_output() -> OSError | ValueError | None:
    """Return the error of standard output; None if there was none, or its reader has closed it."""
    sys.stdout.flush()
    failure = sys.stdout.failure if isinstance(sys.stdout, SteadyStream) else None
    return None if isinstance(failure, BrokenPipeError) else failure
