"""What a host that lets us in may refuse all the same, in words that say what to mend."""

from notebake.errors import (
    HostUnreachableError,
    LoginShellError,
    SessionRefusedError,
    TunnelForbiddenError,
)
from notebake.ssh.host import Host
from notebake.ssh.login import HINT

SHOWN = 1000
"""How much is shown of what a login shell printed."""
ASKED = 500
"""How much is shown of what it was asked."""


def unframed(host: Host, asked: str, exit_code: int, printed: str) -> LoginShellError:
    """Return what a login shell is that did not come as far as what it was asked."""
    said = printed.strip()[-SHOWN:]
    return LoginShellError(
        f"On {place(host)}, the login shell of {host.user} did not run what was asked: it ended"
        f" with exit code {exit_code} and {f'printed {said!r}' if said else 'printed nothing'}."
        f" Asked was: {asked[:ASKED]}",
        f"Look, on a machine from the same base image, at the shell (getent passwd {host.user}) and"
        " at what it reads: ~/.bashrc and /etc/bash.bashrc; ~/.zshenv and /etc/zsh/zshenv;"
        " ~/.config/fish/config.fish; ~/.cshrc. They may print, but neither end the shell nor put"
        " another program in its place; nor may sshd's ForceCommand.",
    )


def tunnel_forbidden(host: Host, port: int) -> TunnelForbiddenError:
    """Return what an sshd is that leads nobody to a port, whether or not somebody listens there."""
    return TunnelForbiddenError(
        f"{place(host)} forbids an ssh tunnel to its port {port} (administratively prohibited), and"
        " JupyterLab is reached through such a tunnel only.",
        "In the base image's sshd_config and sshd_config.d: AllowTcpForwarding yes (or local), no"
        f" DisableForwarding, and a PermitOpen, if there is any, with localhost:{port}. What holds"
        " is told on a machine from it by: sudo sshd -T | grep -iE 'forwarding|permitopen'",
    )


def session_refused(host: Host) -> SessionRefusedError:
    """Return what an sshd is that opens not even one session."""
    return SessionRefusedError(
        f"{place(host)} lets us in over ssh, and then opens no session.",
        "In the base image's sshd_config and sshd_config.d: MaxSessions must be at least 1.",
    )


def no_room(host: Host, seconds: float) -> HostUnreachableError:
    """Return what a host is whose sessions are all in use, for so long."""
    return HostUnreachableError(
        f"{place(host)} has had no room for another ssh session for {seconds:.0f} s.", HINT
    )


def late(host: Host, seconds: float) -> HostUnreachableError:
    """Return what a host is that did not answer a command in time."""
    return HostUnreachableError(f"{place(host)} gave no answer within {seconds:.0f} s.", HINT)


def lost(host: Host, error: Exception) -> HostUnreachableError:
    """Return what a host is to which the line broke."""
    return HostUnreachableError(
        f"The connection to {place(host)} was lost: {str(error) or repr(error)}", HINT
    )


def place(host: Host) -> str:
    """Return where a host is."""
    return f"{host.address} ({host.instance_id})"
