"""What happens to a line, and the times by which it is watched and dialled."""

from dataclasses import dataclass, field
from typing import Protocol

from notebake.errors import (
    HostUnreachableError,
    KeyTypeRefusedError,
    LoginRefusedError,
    NotebakeError,
    WrongHostKeyError,
)
from notebake.ssh.host import Host
from notebake.ssh.line import Keepalive
from notebake.timeouts import BOOT_SECONDS


@dataclass(frozen=True)
class Timing:
    """All times of a tunnel, in seconds."""

    keepalive: Keepalive = field(default_factory=Keepalive)
    hold_seconds: float = 200
    """How long a new connection of the browser is held while there is no line."""
    closed_port_seconds: float = 60
    """How long it is held while JupyterLab does not listen, as during its restart."""
    tick_seconds: float = 1
    jump_seconds: float = 5
    """A tick that comes later than this by any clock: the computer slept, or this process did."""
    unanswered_seconds: float = 2
    """How long what the browser sends may have no answer of any kind."""
    answer_seconds: float = 3
    """How long a line may then take to show that it is alive, and after a jump."""
    find_seconds: float = 15
    """How often the address is asked for while there is no line."""
    refused_seconds: float = 120
    """How long a machine may refuse the key before there was any line."""
    first_line_seconds: float = BOOT_SECONDS
    """How long the first line may take, to a machine that boots."""

    def seconds_to_bear(self, error: HostUnreachableError) -> float:
        """Return for how long a machine that boots is dialled in spite of such an error.

        A refused login is not final at once: see notebake/machines/boot.py.
        """
        limits = {
            WrongHostKeyError: 0.0,
            KeyTypeRefusedError: 0.0,
            LoginRefusedError: self.refused_seconds,
        }
        return limits.get(type(error), self.first_line_seconds)


USUAL_TIMING = Timing()


@dataclass(frozen=True)
class LineUp:
    """There is a line. Times are seconds since 1970."""

    host: Host
    at: float
    silent_since: float | None
    """When the line before was last known to work; None: there was none before."""


@dataclass(frozen=True)
class LineLost:
    """The line is lost."""

    at: float
    silent_since: float


@dataclass(frozen=True)
class Trouble:
    """Why there is no line yet; the dialling goes on."""

    error: NotebakeError


Event = LineUp | LineLost | Trouble


class Report(Protocol):
    """Takes note of what happens to the line; called in the event loop."""

    def __call__(self, event: Event, /) -> None: ...
