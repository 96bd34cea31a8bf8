"""ssh logins with the run's key, and only to a host that shows the expected host key.

A connection breaks in two ways: it is reset, which both ends notice; or packets vanish, which
nobody notices. So a keepalive is sent every few seconds, and the system closes the connection if
sent data stays unacknowledged. A slow connection whose data is acknowledged stays open.
"""

import base64
import logging
import re
import socket
import sys

import fabric
import paramiko
from invoke.exceptions import ThreadException
from paramiko import PKey
from paramiko.ssh_exception import (
    AuthenticationException,
    BadHostKeyException,
    IncompatiblePeer,
    SSHException,
)

from notebake import clock
from notebake.errors import HostUnreachableError, KeyTypeRefusedError, LoginRefusedError
from notebake.ssh import host as hosts
from notebake.ssh.host import Host
from notebake.timeouts import CONNECTION_DROPPED_SECONDS
from notebake.waiting import pause

SSH_PORT = hosts.SSH_PORT
CONNECT_SECONDS = 5
LOGIN_SECONDS = 10
"""How long a reachable host may take for each part of a login."""
KEEPALIVE_SECONDS = 5
UNACKNOWLEDGED_SECONDS = 15
"""How long sent data may stay unacknowledged; then the connection is closed."""
RXT_CONNDROPTIME = 0x80
"""macOS's TCP_USER_TIMEOUT, in seconds (netinet/tcp.h); Python has no name for it."""
CONNECTION_ERRORS = (OSError, EOFError, SSHException, ThreadException)
"""What Fabric and paramiko raise if a connection breaks."""
RESUME_HINT = (
    "Work that was started on the host continues. Resuming the run waits for it, and allows ssh"
    " from the address that you have by then."
)
KEY_TYPE = "ssh-ed25519"
"""The type of the run's keys and host keys (notebake.runs.keys)."""
FIPS_HINT = (
    f"sshd in FIPS mode does not support {KEY_TYPE}. In the base image's sshd_config,"
    " HostKeyAlgorithms and PubkeyAcceptedAlgorithms must contain it; otherwise choose a base image"
    " without FIPS."
)
DROPPED_PAUSE_SECONDS = 1
log = logging.getLogger(__name__)
# paramiko prints a traceback for every connection that fails while a machine boots.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)


def log_in(host: Host) -> fabric.Connection:
    """Return an open connection with keepalives.

    Raises:
        LoginRefusedError: the host answers but refuses the key.
        HostUnreachableError: it does not answer, or shows another host key than the expected one.
    """
    began = clock.elapsed()
    while True:
        connection = _prepare(host)
        try:
            connection.connect_kwargs["sock"] = _connect(host.address)
            connection.open()
        except CONNECTION_ERRORS as error:
            reason = _login_error(host, connection, error)
            connection.client.close()
            if not _is_dropped(error) or clock.elapsed() - began > CONNECTION_DROPPED_SECONDS:
                raise reason from error
            log.debug("%s closed the connection; trying again", host.address)
            pause(DROPPED_PAUSE_SECONDS)
        else:
            connection.transport.set_keepalive(KEEPALIVE_SECONDS)
            return connection


def _prepare(host: Host) -> fabric.Connection:
    """Return a connection that is not open yet, with the user's key and the expected host key."""
    config = fabric.Config(overrides={"load_ssh_configs": False}, lazy=True)
    connection = fabric.Connection(
        host.address, user=host.user, config=config, connect_timeout=LOGIN_SECONDS
    )
    # Fabric's default accepts any host key (fabric 3.2.3, connection.py, AutoAddPolicy).
    connection.client.set_missing_host_key_policy(paramiko.RejectPolicy())
    key_type, encoded = host.host_key.split()[:2]
    key = PKey.from_type_string(key_type, base64.b64decode(encoded))
    connection.client.get_host_keys().add(host.address, key_type, key)
    connection.connect_kwargs = {
        "key_filename": host.private_key_path,
        "look_for_keys": False,
        "allow_agent": False,
        "banner_timeout": LOGIN_SECONDS,
        "auth_timeout": LOGIN_SECONDS,
    }
    return connection


def _connect(address: str) -> socket.socket:
    """Return a socket that the system closes if sent data stays unacknowledged."""
    connected = socket.create_connection((address, SSH_PORT), timeout=CONNECT_SECONDS)
    if sys.platform == "linux":
        milliseconds = int(1000 * UNACKNOWLEDGED_SECONDS)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
    elif sys.platform == "darwin":
        connected.setsockopt(socket.IPPROTO_TCP, RXT_CONNDROPTIME, int(UNACKNOWLEDGED_SECONDS))
    return connected


def _login_error(
    host: Host, connection: fabric.Connection, error: Exception
) -> HostUnreachableError:
    """Return the error that a failed login means."""
    place = f"{host.address} ({host.instance_id})"
    if isinstance(error, IncompatiblePeer):
        return KeyTypeRefusedError(
            f"{place} and this computer have no ssh algorithm in common: {error}.", FIPS_HINT
        )
    if isinstance(error, AuthenticationException) and _is_refusal(connection, error):
        return _key_refused_error(host, connection, place)
    if isinstance(error, BadHostKeyException) and error.key.get_name() != KEY_TYPE:
        shown = error.key.get_name()
        return KeyTypeRefusedError(f"{place} has no {KEY_TYPE} host key, but {shown}.", FIPS_HINT)
    if _is_dropped(error):
        return HostUnreachableError(
            f"{place} closes connections at once, as sshd does if there are too many"
            " (MaxStartups, PerSourcePenalties), or a guard such as fail2ban for a banned address.",
            RESUME_HINT,
        )
    return HostUnreachableError(f"{place} does not answer over ssh: {error}", RESUME_HINT)


def _key_refused_error(host: Host, connection: fabric.Connection, place: str) -> LoginRefusedError:
    """Return the error for a refused key, whose type the host may not accept at all."""
    accepted = connection.client.get_transport().server_extensions.get("server-sig-algs", b"")
    if accepted and KEY_TYPE.encode() not in accepted.split(b","):
        listed = accepted.decode(errors="replace")
        return KeyTypeRefusedError(
            f"{place} accepts no {KEY_TYPE} key, and the run's key is one; it accepts {listed}.",
            FIPS_HINT,
        )
    return LoginRefusedError(
        f"{place} does not accept the {KEY_TYPE} key of user {host.user}.",
        "Another login may have replaced the key; or sshd accepts no such key: on a machine from"
        f" the same base image, sudo sshd -T | grep -i pubkeyaccepted must show {KEY_TYPE}.",
    )


def _is_dropped(error: Exception) -> bool:
    """Return whether the host closed the connection before it sent its ssh banner."""
    # paramiko 5.1.0 appends the cause to these words (transport.py, _check_banner).
    found = re.search(r"Error reading SSH protocol banner(.*)", str(error), re.DOTALL)
    return found is not None and "timed out" not in found[1]


def _is_refusal(connection: fabric.Connection, error: Exception) -> bool:
    """Return whether the host refused the key; a lost connection raises the same class."""
    return connection.client.get_transport().is_active() and "timeout" not in str(error)
