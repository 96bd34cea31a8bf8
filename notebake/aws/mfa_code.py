"""Asks for the MFA code of a profile, only where somebody can type it."""

import getpass
import os
import sys


def ask_for_code(prompt: str) -> str:
    """Return the code that a person types.

    Raises:
        EOFError: there is no terminal; getpass would first print the prompt, and a warning.
    """
    if not has_terminal():
        raise EOFError("no terminal")
    return getpass.getpass(prompt)


def has_terminal() -> bool:
    """Return whether getpass finds a terminal: the process's own, or else its stdin."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | getattr(os, "O_NOCTTY", 0)))
    except OSError:
        return sys.stdin is not None and sys.stdin.isatty()
    return True
