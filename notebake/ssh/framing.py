"""Frames: random marks around the output of a command separate it from all else a host prints.

The user's login shell, of whatever kind, reads each command first. It may print, trace or wait,
before and after. So it gets one line that reads the same in sh, bash, zsh, fish and csh and that at
once replaces the shell by a bash without startup files. The marks are random for each command and
stand in the line in two halves, so a shell that traces its commands prints no mark.
"""

import secrets
from dataclasses import dataclass

EXEC_BASH = "exec /bin/bash --norc --noprofile -p -c"
"""Replaces the login shell by a bash that reads nothing from its environment: `-p` ignores
BASH_ENV, SHELLOPTS, CDPATH and functions, and without `--norc` a bash below sshd reads ~/.bashrc
(bash(1), "INVOCATION")."""
CLEAN_ENVIRONMENT = (
    # Programs that are started further down must not see these; and the home is the start, as in
    # a login.
    "unset BASH_ENV ENV CDPATH; cd 2> /dev/null; "
)
RUN_SCRIPT = (
    CLEAN_ENVIRONMENT
    # If the login shell has joined both streams, errors would be mixed into the output.
    + "if [ /dev/fd/1 -ef /dev/fd/2 ]; then exec 2> /dev/null; fi;"
    ' printf -v command %b "$2"; echo "$0$1 begin" >&2; echo "$0$1 begin";'
    # A subshell runs the command, so that `exit` in it does not skip the end mark.
    ' (BASH_ARGV0=bash; set --; eval "$command") < /dev/null; code=$?;'
    ' echo "$0$1 end $code"; echo "$0$1 end $code" >&2'
)
SFTP_SCRIPT = (
    f"{CLEAN_ENVIRONMENT}for place in"
    " /usr/lib/openssh /usr/libexec/openssh /usr/lib/ssh /usr/libexec; do"
    ' if [ -x "$place/sftp-server" ]; then'
    ' echo "$0$1 begin"; exec "$place/sftp-server" 2> /dev/null; fi; done;'
    ' echo "$0$1 none"'
)
"""sshd starts the sftp subsystem through the login shell (OpenSSH, session.c), whose output would
break the protocol."""
PLAIN_BYTES = frozenset(range(0x20, 0x7F)) - frozenset(b"'\\!")
"""Bytes that stand for themselves within single quotes in every shell."""


@dataclass(frozen=True)
class Frame:
    """A line for a login shell, and the mark around its output."""

    line: str
    mark: bytes


@dataclass(frozen=True)
class FramedOutput:
    """The content between the marks of one stream, and the exit code."""

    content: bytes
    exit_code: int


def frame_command(command: str) -> Frame:
    """Return the frame of a command, which runs in a bash of its own with empty input.

    Raises:
        ValueError: it contains a NUL, which no shell accepts.
    """
    return frame_script(RUN_SCRIPT, escape_command(command))


def parse_frame(printed: bytes | bytearray, mark: bytes) -> FramedOutput | None:
    """Return the content between the marks of a stream, or None if the frame is incomplete."""
    _, begin, after = printed.partition(mark + b" begin\n")
    content, end, rest = after.partition(mark + b" end ")
    exit_code, newline, _ = rest.partition(b"\n")
    if not (begin and end and newline and exit_code.isdigit()):
        return None
    return FramedOutput(bytes(content), int(exit_code))


def is_complete(printed: bytearray, mark: bytes, searched: int) -> bool:
    """Return whether a stream contains the end of its frame; `searched` bytes did not."""
    end = mark + b" end "
    found = printed.find(end, max(0, searched - len(end) - len("255\n")))
    return found >= 0 and b"\n" in printed[found:]


def has_started(printed: bytes | bytearray, mark: bytes) -> bool:
    """Return whether the host has started the command."""
    return mark + b" begin\n" in printed


def escape_command(command: str) -> str:
    r"""Return the text for printf's %b: \xHH for bytes that single quotes cannot always hold.

    Raises:
        ValueError: it contains a NUL.
    """
    if "\0" in command:
        raise ValueError("a command cannot hold a NUL")
    return "".join(
        chr(byte) if byte in PLAIN_BYTES else f"\\x{byte:02X}" for byte in command.encode()
    )


def frame_script(program: str, *words: str) -> Frame:
    """Return the frame of a bash program, with all words in single quotes."""
    halves = secrets.token_hex(8), secrets.token_hex(8)
    quoted = " ".join(f"'{word}'" for word in (program, *halves, *words))
    return Frame(f"{EXEC_BASH} {quoted}", "".join(halves).encode())
