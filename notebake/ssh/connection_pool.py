"""The connections that this process keeps to one host.

A host allows some sessions per connection (sshd_config(5), MaxSessions: 10 unless an administrator
has changed it) and refuses the next one. That is no sign of a broken connection: the session is
opened on another connection, or, if the host accepts no other, when one of the sessions ends.
"""

import logging
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from paramiko import Channel

from notebake import clock
from notebake.errors import HostUnreachableError
from notebake.ssh.host import Host
from notebake.ssh.host_errors import session_refused_error, unreachable_error
from notebake.ssh.login import CONNECTION_ERRORS, log_in
from notebake.ssh.pooled_connection import PooledConnection
from notebake.timeouts import SESSION_SECONDS
from notebake.waiting import pause

log = logging.getLogger(__name__)
MAX_CONNECTIONS = 8
"""How many connections to one host are opened at most."""
REFUSED_ALONE_SECONDS = 5
"""How long a host may refuse the only session of a connection: sshd counts sessions that have just
ended until it has closed them."""
RECONNECT_SECONDS = 10
"""How long to wait before another login to a host that has refused a further connection."""
FIRST_PAUSE_SECONDS = 0.02


class ConnectionPool:
    """All connections to one host."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._connections: list[PooledConnection] = []
        self._lock = threading.Lock()
        self._login_lock = threading.Lock()
        self._logins = 0
        self._max_connections = MAX_CONNECTIONS
        self._refused_at = -math.inf

    @contextmanager
    def session(self) -> Iterator[tuple[PooledConnection, Channel]]:
        """Give a new session on a connection that is alive.

        Raises:
            HostUnreachableError: the host is unreachable, or has no free session for too long.
            SessionRefusedError: the host accepts the login and opens no session at all.
        """
        pooled, channel = self._open_session()
        try:
            yield pooled, channel
        finally:
            pooled.close_session(channel)

    def any_connection(self) -> tuple[PooledConnection, bool]:
        """Return a connection for other channels, and whether it is new, and so is alive.

        Raises:
            HostUnreachableError: the host is unreachable.
        """
        is_new = False
        while not (connections := self._all()):
            is_new = self._log_in(self._logins)
        return connections[0], is_new

    def drop(self, pooled: PooledConnection) -> None:
        with self._lock:
            if pooled in self._connections:
                self._connections.remove(pooled)
        pooled.connection.close()

    def retire(self, pooled: PooledConnection) -> bool:
        """Drop a connection on which the host runs nothing; return False if it is the only one."""
        with self._lock:
            if len(self._connections) < 2:
                return False
            self._max_connections = len(self._connections) - 1
        log.info("%s allows %d connections at a time", self.host.address, self._max_connections)
        self.drop(pooled)
        return True

    def close(self) -> None:
        for pooled in self._all():
            self.drop(pooled)

    def _open_session(self) -> tuple[PooledConnection, Channel]:
        """Open a session on a connection, on another one, or as soon as another session ends."""
        began = clock.elapsed()
        alone_since, pause_seconds = math.inf, FIRST_PAUSE_SECONDS
        while True:
            logins = self._logins
            for pooled in self._all():
                if channel := self._try(pooled):
                    return pooled, channel
            now, is_alone = clock.elapsed(), any(not each.sessions for each in self._all())
            alone_since = min(alone_since, now) if is_alone else math.inf
            if now - alone_since > REFUSED_ALONE_SECONDS:
                raise session_refused_error(self.host)
            if now - began > SESSION_SECONDS:
                what = f"has refused another ssh session for {now - began:.0f} s"
                raise unreachable_error(self.host, what)
            if is_alone or not self._log_in(logins):
                pause(pause_seconds)
                pause_seconds = min(2 * pause_seconds, 1)

    def _try(self, pooled: PooledConnection) -> Channel | None:
        """Open a session on a connection; return None if it is full or turns out to be broken."""
        try:
            return pooled.open_session()
        except CONNECTION_ERRORS as error:
            log.debug("A connection to %s is broken: %r", self.host.address, error)
            self.drop(pooled)
            return None

    def _log_in(self, logins: int) -> bool:
        """Add a connection, unless another thread did since `logins` was read.

        Return False if the host accepts no other. Raise HostUnreachableError if there is none yet.
        """
        with self._login_lock:
            connections = self._all()
            if connections and self._logins > logins:
                return True
            is_full = len(connections) >= self._max_connections
            is_early = clock.elapsed() - self._refused_at < RECONNECT_SECONDS
            if connections and (is_full or is_early):
                return False
            try:
                opened = log_in(self.host)
            except HostUnreachableError as error:
                if not self._all():
                    raise
                log.info("%s accepts no other connection: %s", self.host.address, error.message)
                self._refused_at = clock.elapsed()
                return False
            with self._lock:
                self._connections.append(PooledConnection(opened))
                self._logins += 1
            if connections:
                log.info("Opened another connection to %s for more sessions", self.host.address)
            return True

    def _all(self) -> list[PooledConnection]:
        with self._lock:
            return list(self._connections)
