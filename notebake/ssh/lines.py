"""The connections that this process keeps to one host, and the sessions that they carry.

A host says how many sessions it allows on one connection (sshd_config(5), MaxSessions: 10 unless an
administrator has hardened it) by refusing the next. That is an answer, and no sign of a dead line:
another connection carries it, and where the host lets in no other, it waits for one to end.
"""

import logging
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import fabric
from paramiko import Channel
from paramiko.ssh_exception import ChannelException, SSHException

from notebake import clock
from notebake.errors import HostUnreachableError
from notebake.ssh.host import Host
from notebake.ssh.login import LOST, log_in
from notebake.ssh.refusals import no_room, session_refused
from notebake.timeouts import SESSION_SECONDS
from notebake.waiting import pause

log = logging.getLogger(__name__)
ANSWER_SECONDS = 10
"""How long a host may take to open a channel; paramiko waits an hour (5.1.0, transport.py)."""
MOST_LINES = 8
"""How many connections one host is asked for."""
ALONE_SECONDS = 5
"""How long a host may refuse the only session of a connection: it counts those that have just
ended until it has closed them."""
APART_SECONDS = 10
"""When a host that let in no other connection is asked for it again."""
FIRST_PAUSE_SECONDS = 0.02


class Line:
    """One connection, and how many sessions it carries."""

    def __init__(self, connection: fabric.Connection) -> None:
        self.connection = connection
        self.sessions = 0
        self.room = math.inf
        """How many sessions the host allows on it, as far as is known."""


class Lines:
    """All connections to one host."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.kept: list[Line] = []
        self._lock = threading.Lock()
        self._login = threading.Lock()
        self._logins = 0
        self._most = MOST_LINES
        self._apart_from = -math.inf

    @contextmanager
    def session(self) -> Iterator[tuple[Line, Channel]]:
        """Give a session that the host has just opened: nothing is begun on a line that is dead.

        Raises:
            HostUnreachableError: there is no way to the host, or no room for so long.
            SessionRefusedError: the host lets us in, and then opens no session at all.
        """
        line, channel = self._open_session()
        try:
            yield line, channel
        finally:
            channel.close()
            with self._lock:
                line.sessions -= 1

    def any_line(self) -> tuple[Line, bool]:
        """Return a connection for what is no session, and whether it is new, and so is alive.

        Raises:
            HostUnreachableError: there is no way to the host.
        """
        is_new = False
        while not (kept := self._all()):
            is_new = self._log_in(self._logins)
        return kept[0], is_new

    def drop(self, line: Line) -> None:
        """Close a connection and keep it no longer."""
        with self._lock:
            if line in self.kept:
                self.kept.remove(line)
        line.connection.close()

    def do_without(self, line: Line) -> bool:
        """Drop a connection on which the host runs nothing; False where it is the only one."""
        with self._lock:
            if len(self.kept) < 2:
                return False
            self._most = len(self.kept) - 1
        log.info("%s lets in %d connections at a time", self.host.address, self._most)
        self.drop(line)
        return True

    def close(self) -> None:
        """Close every connection."""
        for line in self._all():
            self.drop(line)

    def _open_session(self) -> tuple[Line, Channel]:
        """Open a session where there is room, or on another connection, or when there is room."""
        began = clock.elapsed()
        alone_since, pause_seconds = math.inf, FIRST_PAUSE_SECONDS
        while True:
            logins = self._logins
            for line in self._all():
                if channel := self._try(line):
                    return line, channel
            now, is_alone = clock.elapsed(), any(not one.sessions for one in self._all())
            alone_since = min(alone_since, now) if is_alone else math.inf
            if now - alone_since > ALONE_SECONDS:
                raise session_refused(self.host)
            if now - began > SESSION_SECONDS:
                raise no_room(self.host, now - began)
            if is_alone or not self._log_in(logins):
                pause(pause_seconds)
                pause_seconds = min(2 * pause_seconds, 1)

    def _try(self, line: Line) -> Channel | None:
        """Open a session on a connection; None where it has no room, or turns out to be dead."""
        with self._lock:
            others = line.sessions
            if others >= line.room:
                return None
            line.sessions += 1
        try:
            return line.connection.transport.open_session(timeout=ANSWER_SECONDS)
        except LOST as error:
            with self._lock:
                line.sessions -= 1
                if others and is_refusal(line.connection, error):
                    line.room = min(line.room, others)
            if not is_refusal(line.connection, error):
                log.debug("A connection to %s is dead: %r", self.host.address, error)
                self.drop(line)
            return None

    def _log_in(self, logins: int) -> bool:
        """Keep another connection, unless somebody has opened it since there were so many logins.

        False where the host lets in no other. Raises HostUnreachableError where there is none yet.
        """
        with self._login:
            kept = self._all()
            if kept and self._logins > logins:
                return True
            apart = clock.elapsed() - self._apart_from
            if kept and (len(kept) >= self._most or apart < APART_SECONDS):
                return False
            try:
                opened = log_in(self.host)
            except HostUnreachableError as error:
                if not self._all():
                    raise
                log.info("%s lets in no other connection: %s", self.host.address, error.message)
                self._apart_from = clock.elapsed()
                return False
            with self._lock:
                self.kept.append(Line(opened))
                self._logins += 1
            if kept:
                log.info("%s has no room on the connection: opened another", self.host.address)
            return True

    def _all(self) -> list[Line]:
        with self._lock:
            return list(self.kept)


def is_refusal(connection: fabric.Connection, error: Exception) -> bool:
    """Tell a host that refuses a channel from a line that broke.

    Where two threads are refused at once, paramiko tells one of them so, and the other only that
    there is no channel (5.1.0, transport.py, get_exception).
    """
    if isinstance(error, ChannelException):
        return True
    is_untold = isinstance(error, SSHException) and str(error) == "Unable to open channel."
    return is_untold and connection.transport.is_active()
