"""Frames: an answer is what stands between marks of our own, whatever else a host prints.

What reads a command first is the user's login shell, in whatever language, and it may print, trace
or wait, before and after. So it is given one line of plain words that reads the same in sh, bash,
zsh, fish and csh, and that leaves at once for a bash which reads no file. The marks are random for
each command, and stand in the line in two halves: a shell that traces what it runs prints no mark.
"""

import secrets
from dataclasses import dataclass

LEAVE = "exec /bin/bash --norc --noprofile -p -c"
"""Leaves the login shell for a bash that takes nothing from its environment: `-p` leaves out
BASH_ENV, SHELLOPTS, CDPATH and functions, and without `--norc` a bash below sshd reads ~/.bashrc
(bash(1), "INVOCATION")."""
BEGIN = (
    # Nor shall what is started further down find these; and it begins where a login does.
    "unset BASH_ENV ENV CDPATH; cd 2> /dev/null; "
)
ASK = (
    BEGIN
    # Where the login shell has joined both streams, errors would stand in the answer.
    + "if [ /dev/fd/1 -ef /dev/fd/2 ]; then exec 2> /dev/null; fi;"
    ' printf -v command %b "$2"; echo "$0$1 begin" >&2; echo "$0$1 begin";'
    # In a shell below this one, which says how it ended.
    ' (BASH_ARGV0=bash; set --; eval "$command") < /dev/null; code=$?;'
    ' echo "$0$1 end $code"; echo "$0$1 end $code" >&2'
)
SERVE_FILES = (
    f"{BEGIN}for place in /usr/lib/openssh /usr/libexec/openssh /usr/lib/ssh /usr/libexec; do"
    ' if [ -x "$place/sftp-server" ]; then'
    ' echo "$0$1 begin"; exec "$place/sftp-server" 2> /dev/null; fi; done;'
    ' echo "$0$1 none"'
)
"""As a subsystem, sftp is started by the login shell (session.c of OpenSSH): any word breaks it."""
PLAIN = frozenset(range(0x20, 0x7F)) - frozenset(b"'\\!")
"""What stands for itself within single quotes, in every shell."""


@dataclass(frozen=True)
class Frame:
    """A line for a login shell, and the mark that what it gives will carry."""

    line: str
    mark: bytes


@dataclass(frozen=True)
class Framed:
    """What stood between the marks of one stream, and how it ended."""

    content: bytes
    exit_code: int


def frame_command(command: str) -> Frame:
    """Return a command as it is sent. It runs in a bash of its own and finds its input at its end.

    Raises:
        ValueError: it holds a NUL, which no shell can be given.
    """
    return _frame(ASK, escaped(command))


def frame_files() -> Frame:
    """Return what starts a server of files: its protocol begins right after the first mark."""
    return _frame(SERVE_FILES)


def take_framed(printed: bytes | bytearray, mark: bytes) -> Framed | None:
    """Return what a stream holds between its marks, or None where it is not whole."""
    _, begin, after = printed.partition(mark + b" begin\n")
    content, end, told = after.partition(mark + b" end ")
    exit_code, newline, _ = told.partition(b"\n")
    if not (begin and end and newline and exit_code.isdigit()):
        return None
    return Framed(bytes(content), int(exit_code))


def is_whole(printed: bytearray, mark: bytes, looked: int) -> bool:
    """Tell whether a stream holds the end of its frame; its first `looked` bytes held none."""
    end = mark + b" end "
    found = printed.find(end, max(0, looked - len(end) - len("255\n")))
    return found >= 0 and b"\n" in printed[found:]


def has_begun(printed: bytes | bytearray, mark: bytes) -> bool:
    """Tell whether the host has come as far as what was asked."""
    return mark + b" begin\n" in printed


def escaped(command: str) -> str:
    r"""Return a text as printf's %b reads it: \xHH for what single quotes cannot hold everywhere.

    Raises:
        ValueError: it holds a NUL.
    """
    if "\0" in command:
        raise ValueError("a command cannot hold a NUL")
    return "".join(chr(one) if one in PLAIN else f"\\x{one:02X}" for one in command.encode())


def _frame(program: str, *words: str) -> Frame:
    """Return a program for bash as a line in plain words, each but the first in single quotes."""
    halves = secrets.token_hex(8), secrets.token_hex(8)
    quoted = " ".join(f"'{one}'" for one in (program, *halves, *words))
    return Frame(f"{LEAVE} {quoted}", "".join(halves).encode())
