"""One connection to a host, and the sessions that it carries."""

import math
import threading

import fabric
from paramiko import Channel
from paramiko.ssh_exception import ChannelException, SSHException

from notebake.ssh.login import CONNECTION_ERRORS

OPEN_SECONDS = 10
"""How long a host may take to open a channel; paramiko waits an hour (5.1.0, transport.py)."""


class PooledConnection:
    """One connection, and how many sessions it carries."""

    def __init__(self, connection: fabric.Connection) -> None:
        self.connection = connection
        self.sessions = 0
        self.max_sessions = math.inf
        """How many sessions the host allows on it, as far as is known."""
        self._lock = threading.Lock()

    def open_session(self) -> Channel | None:
        """Return a new session, or None if the host allows no further one.

        Raises one of CONNECTION_ERRORS if the connection is broken.
        """
        with self._lock:
            others = self.sessions
            if others >= self.max_sessions:
                return None
            self.sessions += 1
        try:
            return self.connection.transport.open_session(timeout=OPEN_SECONDS)
        except CONNECTION_ERRORS as error:
            is_refused = is_channel_refused(self.connection, error)
            with self._lock:
                self.sessions -= 1
                if others and is_refused:
                    self.max_sessions = min(self.max_sessions, others)
            if not is_refused:
                raise
            return None

    def close_session(self, channel: Channel) -> None:
        channel.close()
        with self._lock:
            self.sessions -= 1


def is_channel_refused(connection: fabric.Connection, error: Exception) -> bool:
    """Return whether the host refused a channel; False if the connection broke.

    If two threads are refused at once, paramiko gives one of them the refusal and the other only
    "Unable to open channel." (5.1.0, transport.py, get_exception).
    """
    if isinstance(error, ChannelException):
        return True
    is_ambiguous = isinstance(error, SSHException) and str(error) == "Unable to open channel."
    return is_ambiguous and connection.transport.is_active()
