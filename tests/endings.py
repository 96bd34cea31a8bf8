"""Tests that are told to end take down what they have started: hosts, servers, mounts."""

import signal

from xdist.workermanage import NodeManager

SECONDS_TO_CLEAR_UP = 60
"""For a worker that is told to end: xdist would kill it after 10 s, with hosts still running."""


def end_in_order() -> None:
    """Let SIGTERM, as a cancelled job sends it, end the tests as Ctrl-C does.

    Whoever starts the tests in the background, or by nohup, has SIGHUP and SIGINT ignored, in every
    program that the tests start as well: neither is from here on.
    """
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _end_once)
    NodeManager.EXIT_TIMEOUT = SECONDS_TO_CLEAR_UP


def _end_once(_number: int, _frame: object) -> None:
    """End the tests; another signal, as of a group and of make, must not end the clearing up."""
    signal.signal(signal.SIGTERM, lambda *_: None)
    raise KeyboardInterrupt
