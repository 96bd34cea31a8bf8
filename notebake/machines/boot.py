"""Waits for a machine to boot: until it accepts an ssh login, and until cloud-init is done."""

from notebake.commands.boot import STILL_BOOTING, wait_for_cloud_init
from notebake.errors import (
    HostCommandError,
    HostUnreachableError,
    KeyTypeRefusedError,
    LoginRefusedError,
    NotebakeError,
    WaitTimeoutError,
)
from notebake.ssh import remote as ssh
from notebake.ssh.host import Host
from notebake.ssh.host_errors import describe_host
from notebake.timeouts import BOOT_SECONDS
from notebake.waiting import wait_until, wait_while

NO_LOGIN = "accepted no ssh login"
"""Why a machine is replaced that was never reached."""


def wait_for_boot(host: Host, *, timeout_seconds: float = BOOT_SECONDS) -> None:
    """Wait until the host accepts an ssh login, and then until cloud-init is done.

    During the boot a refused login is not final: ssh.socket listens before users other than root
    may log in (pam_nologin), and the key may be installed after sshd has started.

    Raises:
        LoginRefusedError: it still refused the key at the timeout; KeyTypeRefusedError at once, as
            another try gives the same result.
        WaitTimeoutError: it did not answer; the message has the last error.
        NotebakeError: it accepts the login, but does not finish its boot.
        HostCommandError: cloud-init failed; its output is in the message.
    """
    errors: list[HostUnreachableError] = []

    def answers() -> bool | None:
        try:
            ssh.check_reachable(host)
        except KeyTypeRefusedError:
            raise
        except HostUnreachableError as error:
            errors[:] = [error]
            return None
        return True

    try:
        wait_until(
            answers,
            what=f"ssh on {host.address}",
            timeout_seconds=timeout_seconds,
            interval_seconds=0.25,
        )
    except WaitTimeoutError as error:
        last = errors[-1]
        if isinstance(last, LoginRefusedError):
            raise last from error
        raise WaitTimeoutError(f"{error.message} Last error: {last.message}", last.hint) from error
    wait_for_first_boot(host, timeout_seconds)


def wait_for_first_boot(host: Host, timeout_seconds: float) -> None:
    """Wait until cloud-init is done, and show its current stage meanwhile."""

    def current_stage() -> str | None:
        answer = ssh.try_command(host, wait_for_cloud_init())
        if answer.exit_code == STILL_BOOTING:
            return answer.output.strip() or "cloud-init is running"
        if answer.exit_code:
            output = answer.errors or answer.output
            raise HostCommandError(host.address, "wait for cloud-init", answer.exit_code, output)
        return None

    stage = wait_while(
        current_stage,
        what=f"the end of the first boot of {host.address}",
        timeout_seconds=timeout_seconds,
    )
    if stage:
        raise NotebakeError(
            f"{describe_host(host)} accepts ssh logins, but cloud-init did not finish"
            f" within {timeout_seconds:.0f} s: {stage}",
            "See `cloud-init status --long` and /var/log/cloud-init-output.log there.",
        )
