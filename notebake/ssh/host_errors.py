"""The errors of hosts over ssh: what happened, and what to change."""

from notebake.errors import (
    HostUnreachableError,
    LoginShellError,
    SessionRefusedError,
    TunnelForbiddenError,
)
from notebake.ssh.host import Host
from notebake.ssh.login import RESUME_HINT

MAX_OUTPUT = 1000
"""How many characters of a login shell's output are shown."""
MAX_COMMAND = 500
"""How many characters of the command are shown."""


def login_shell_error(host: Host, command: str, exit_code: int, printed: str) -> LoginShellError:
    """Return the error for a login shell that did not run the command."""
    output = printed.strip()[-MAX_OUTPUT:]
    return LoginShellError(
        f"On {describe_host(host)}, the login shell of {host.user} did not run the command: it"
        f" ended with exit code {exit_code} and"
        f" {f'printed {output!r}' if output else 'printed nothing'}."
        f" The command was: {command[:MAX_COMMAND]}",
        f"On a machine from the same base image, check the shell (getent passwd {host.user}) and"
        " its startup files: ~/.bashrc and /etc/bash.bashrc; ~/.zshenv and /etc/zsh/zshenv;"
        " ~/.config/fish/config.fish; ~/.cshrc. They may print, but must not exit or start another"
        " program instead; nor may sshd's ForceCommand.",
    )


def tunnel_forbidden_error(host: Host, port: int) -> TunnelForbiddenError:
    """Return the error for an sshd that forbids tunnels to a port."""
    return TunnelForbiddenError(
        f"{describe_host(host)} forbids an ssh tunnel to its port {port} (administratively"
        " prohibited), and JupyterLab is reachable only through such a tunnel.",
        "In the base image's sshd_config and sshd_config.d: AllowTcpForwarding yes (or local), no"
        f" DisableForwarding, and localhost:{port} in PermitOpen, if that is set. To see the"
        " settings on a machine from it: sudo sshd -T | grep -iE 'forwarding|permitopen'",
    )


def session_refused_error(host: Host) -> SessionRefusedError:
    """Return the error for an sshd that opens no session at all."""
    return SessionRefusedError(
        f"{describe_host(host)} accepts the ssh login but opens no session.",
        "In the base image's sshd_config and sshd_config.d: MaxSessions must be at least 1.",
    )


def unreachable_error(host: Host, what: str) -> HostUnreachableError:
    """Return the error for a host that is unreachable for now; `what` is the predicate."""
    return HostUnreachableError(f"{describe_host(host)} {what}.", RESUME_HINT)


def connection_lost_error(host: Host, error: Exception) -> HostUnreachableError:
    """Return the error for a connection that broke."""
    return HostUnreachableError(
        f"The connection to {describe_host(host)} was lost: {str(error) or repr(error)}",
        RESUME_HINT,
    )


def describe_host(host: Host) -> str:
    """Return the address and the instance id of a host."""
    return f"{host.address} ({host.instance_id})"
