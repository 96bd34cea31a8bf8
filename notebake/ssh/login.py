"""Logging in to a host: with our key only, and only to the host that shows the expected key.

A line breaks in two ways: it is cut, and both ends are told; or packets vanish, and nobody is. So
a sign of life is sent every few seconds, and the line given up when what was sent stays without an
acknowledgement. One that is only slow is not: as long as bytes arrive somewhere, it is waited for.
"""

import base64
import logging
import socket
import sys

import fabric
import paramiko
from invoke.exceptions import ThreadException
from paramiko import PKey
from paramiko.ssh_exception import AuthenticationException, SSHException

from notebake.errors import HostUnreachableError, LoginRefusedError
from notebake.records import Host

SSH_PORT = 22
CONNECT_SECONDS = 5
LOGIN_SECONDS = 10
"""How long a host that answers may take for each part of a login."""
KEEPALIVE_SECONDS = 5
SILENCE_SECONDS = 15
"""How long what was sent may stay without an acknowledgement: then the line is dead."""
RXT_CONNDROPTIME = 0x80
"""macOS's TCP_USER_TIMEOUT, in seconds (netinet/tcp.h); Python has no name for it."""
LOST = (OSError, EOFError, SSHException, ThreadException)
"""What says that a line broke."""
HINT = (
    "What was begun on it goes on. Resuming the run takes it up again, and lets in the address"
    " that you have by then."
)
# paramiko prints a traceback for every connection that fails while a machine boots.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)


def log_in(host: Host) -> fabric.Connection:
    """Return a connection that shows signs of life.

    Raises:
        LoginRefusedError: the host answers, but does not accept the key.
        HostUnreachableError: it does not answer, or shows another key than the expected one.
    """
    config = fabric.Config(overrides={"load_ssh_configs": False}, lazy=True)
    connection = fabric.Connection(
        host.address, user=host.user, config=config, connect_timeout=LOGIN_SECONDS
    )
    # Fabric's default accepts any host key (fabric 3.2.3, connection.py, AutoAddPolicy).
    connection.client.set_missing_host_key_policy(paramiko.RejectPolicy())
    kind, encoded = host.host_key.split()[:2]
    key = PKey.from_type_string(kind, base64.b64decode(encoded))
    connection.client.get_host_keys().add(host.address, kind, key)
    try:
        connection.connect_kwargs = {
            "sock": _connect(host.address),
            "key_filename": host.private_key_path,
            "look_for_keys": False,
            "allow_agent": False,
            "banner_timeout": LOGIN_SECONDS,
            "auth_timeout": LOGIN_SECONDS,
        }
        connection.open()
    except LOST as error:
        was_refused = isinstance(error, AuthenticationException) and _is_refusal(connection, error)
        connection.client.close()
        if was_refused:
            raise LoginRefusedError(
                f"{host.address} ({host.instance_id}) does not accept the key of user {host.user}."
            ) from error
        raise HostUnreachableError(
            f"{host.address} ({host.instance_id}) does not answer over ssh: {error}", HINT
        ) from error
    connection.transport.set_keepalive(KEEPALIVE_SECONDS)
    return connection


def _connect(address: str) -> socket.socket:
    """Return a line that the system gives up when nothing of what was sent is acknowledged."""
    line = socket.create_connection((address, SSH_PORT), timeout=CONNECT_SECONDS)
    if sys.platform == "linux":
        milliseconds = int(1000 * SILENCE_SECONDS)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
    elif sys.platform == "darwin":
        line.setsockopt(socket.IPPROTO_TCP, RXT_CONNDROPTIME, int(SILENCE_SECONDS))
    return line


def _is_refusal(connection: fabric.Connection, error: Exception) -> bool:
    """Tell a refused key from a line that broke meanwhile: paramiko gives both the same class."""
    return connection.client.get_transport().is_active() and "timeout" not in str(error)
