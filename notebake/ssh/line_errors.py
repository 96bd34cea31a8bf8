"""What the errors of asyncssh mean, for people and for callers."""

import asyncssh

from notebake.errors import (
    HostUnreachableError,
    KeyTypeRefusedError,
    LoginRefusedError,
    NextCommand,
    NotebakeError,
    PortClosedError,
    TunnelForbiddenError,
    WrongHostKeyError,
)
from notebake.ssh.host import Host

PROHIBITED, CONNECT_FAILED = 1, 2
"""Codes for a refused channel (RFC 4254, 5.1)."""


def lost_error(host: Host, error: Exception) -> HostUnreachableError:
    """Return the error for a line that broke."""
    words = str(error) or type(error).__name__
    return HostUnreachableError(f"The line to {_place(host)} was lost: {words}")


def login_error(host: Host, error: Exception) -> HostUnreachableError:
    """Return the error that a failed login means."""
    place = _place(host)
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return WrongHostKeyError(
            f"{place} shows another ssh host key than the one that the server {host.instance_id}"
            " has shown at its first start, so it was not spoken to.",
            "Another machine may have this address by now, or somebody stands in between.",
        ).with_next(NextCommand(("servers",), "Where your servers are"))
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return KeyTypeRefusedError(f"{place} has no host key of the expected type: {error}.")
    if isinstance(error, asyncssh.PermissionDenied):
        return LoginRefusedError(
            f"{place} does not accept the key {host.private_key_path} of user {host.user}."
        )
    return HostUnreachableError(
        f"{place} does not answer over ssh: {str(error) or type(error).__name__}"
    )


def channel_error(host: Host, port: int, error: asyncssh.ChannelOpenError) -> NotebakeError:
    """Return the error for a channel to a port that was refused."""
    if error.code == CONNECT_FAILED:
        return PortClosedError(f"Nothing listens on port {port} of {_place(host)}.")
    if error.code == PROHIBITED:
        return TunnelForbiddenError(
            f"{_place(host)} forbids an ssh tunnel to its port {port}.",
            "See: sudo sshd -T | grep -iE 'forwarding|permitopen'",
        )
    return lost_error(host, error)


def _place(host: Host) -> str:
    return f"{host.address} ({host.instance_id})"
