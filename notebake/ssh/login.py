"""Logging in to a host: with our key only, and only to the host that shows the expected key.

A line breaks in two ways: it is cut, and both ends are told; or packets vanish, and nobody is. So
a sign of life is sent every few seconds, and the line given up when what was sent stays without an
acknowledgement. One that is only slow is not: as long as bytes arrive somewhere, it is waited for.
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
from notebake.ssh.host import Host
from notebake.timeouts import CONNECTION_DROPPED_SECONDS
from notebake.waiting import pause

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
KEY_KIND = "ssh-ed25519"
"""Of the run's keys and host keys (notebake.runs.keys)."""
FIPS = (
    f"sshd in FIPS mode knows no {KEY_KIND}. In the base image's sshd_config, HostKeyAlgorithms and"
    " PubkeyAcceptedAlgorithms must have it; otherwise take a base image without FIPS."
)
DROPPED_PAUSE_SECONDS = 1
log = logging.getLogger(__name__)
# paramiko prints a traceback for every connection that fails while a machine boots.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)


def log_in(host: Host) -> fabric.Connection:
    """Return a connection that shows signs of life.

    Raises:
        LoginRefusedError: the host answers, but does not accept the key.
        HostUnreachableError: it does not answer, or shows another key than the expected one.
    """
    began = clock.elapsed()
    while True:
        connection = _prepare(host)
        try:
            connection.connect_kwargs["sock"] = _connect(host.address)
            connection.open()
        except LOST as error:
            reason = _reason(host, connection, error)
            connection.client.close()
            if not _is_hung_up(error) or clock.elapsed() - began > CONNECTION_DROPPED_SECONDS:
                raise reason from error
            log.debug("%s hung up; calling again", host.address)
            pause(DROPPED_PAUSE_SECONDS)
        else:
            connection.transport.set_keepalive(KEEPALIVE_SECONDS)
            return connection


def _prepare(host: Host) -> fabric.Connection:
    """Return a connection that is not open yet, and that knows both keys."""
    config = fabric.Config(overrides={"load_ssh_configs": False}, lazy=True)
    connection = fabric.Connection(
        host.address, user=host.user, config=config, connect_timeout=LOGIN_SECONDS
    )
    # Fabric's default accepts any host key (fabric 3.2.3, connection.py, AutoAddPolicy).
    connection.client.set_missing_host_key_policy(paramiko.RejectPolicy())
    kind, encoded = host.host_key.split()[:2]
    key = PKey.from_type_string(kind, base64.b64decode(encoded))
    connection.client.get_host_keys().add(host.address, kind, key)
    connection.connect_kwargs = {
        "key_filename": host.private_key_path,
        "look_for_keys": False,
        "allow_agent": False,
        "banner_timeout": LOGIN_SECONDS,
        "auth_timeout": LOGIN_SECONDS,
    }
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


def _reason(host: Host, connection: fabric.Connection, error: Exception) -> HostUnreachableError:
    """Return what a login that failed means."""
    place = f"{host.address} ({host.instance_id})"
    if isinstance(error, IncompatiblePeer):
        return KeyTypeRefusedError(
            f"{place} and this computer have nothing in common: {error}.", FIPS
        )
    if isinstance(error, AuthenticationException) and _is_refusal(connection, error):
        taken = connection.client.get_transport().server_extensions.get("server-sig-algs", b"")
        if taken and KEY_KIND.encode() not in taken.split(b","):
            said = taken.decode(errors="replace")
            return KeyTypeRefusedError(
                f"{place} takes no {KEY_KIND} key, and the run's is such a key; it takes {said}.",
                FIPS,
            )
        return LoginRefusedError(
            f"{place} does not accept the key of user {host.user}, of the kind {KEY_KIND}.",
            "Another login may have changed it; or sshd takes no such key: on a machine from the"
            f" same base image, sudo sshd -T | grep -i pubkeyaccepted must show {KEY_KIND}.",
        )
    if isinstance(error, BadHostKeyException) and error.key.get_name() != KEY_KIND:
        shown = error.key.get_name()
        return KeyTypeRefusedError(f"{place} shows no {KEY_KIND} host key, but {shown}.", FIPS)
    if _is_hung_up(error):
        return HostUnreachableError(
            f"{place} hangs up at once, as sshd does when too many call at a time"
            " (MaxStartups, PerSourcePenalties), or when a guard such as fail2ban bars an address.",
            HINT,
        )
    return HostUnreachableError(f"{place} does not answer over ssh: {error}", HINT)


def _is_hung_up(error: Exception) -> bool:
    """Tell whether the other end has closed a line on which it said nothing."""
    # paramiko 5.1.0 puts what it met behind these words (transport.py, _check_banner).
    found = re.search(r"Error reading SSH protocol banner(.*)", str(error), re.DOTALL)
    return found is not None and "timed out" not in found[1]


def _is_refusal(connection: fabric.Connection, error: Exception) -> bool:
    """Tell a refused key from a line that broke meanwhile: paramiko gives both the same class."""
    return connection.client.get_transport().is_active() and "timeout" not in str(error)
