"""A machine that comes up: waited for until it lets us in and its boot is over."""

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
from notebake.timeouts import BOOT_SECONDS
from notebake.waiting import wait_until


def wait_for_boot(host: Host, *, timeout_seconds: float = BOOT_SECONDS) -> None:
    """Wait until the host lets us in, and then until cloud-init has done its work.

    While it boots, a refused login is no last word: ssh.socket listens before anybody but root may
    log in (pam_nologin), and the key may arrive a moment after sshd does.

    Raises:
        LoginRefusedError: it has answered, and refused the key to the end; KeyTypeRefusedError at
            once, as another login would be the same.
        WaitTimeoutError: it does not answer; the message says how it did at last.
        NotebakeError: it lets us in, but does not come to the end of its boot.
        HostCommandError: cloud-init failed; its own words are in the message.
    """
    refusals: list[HostUnreachableError] = []

    def answers() -> bool | None:
        try:
            ssh.check_reachable(host)
        except KeyTypeRefusedError:
            raise
        except HostUnreachableError as error:
            refusals[:] = [error]
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
        last = refusals[-1]
        if isinstance(last, LoginRefusedError):
            raise last from error
        raise WaitTimeoutError(f"{error.message} At last: {last.message}", last.hint) from error
    wait_for_first_boot(host, timeout_seconds)


def wait_for_first_boot(host: Host, timeout_seconds: float) -> None:
    """Wait until cloud-init has done its work, and show meanwhile what it is at."""
    said = [""]

    def is_over() -> bool | None:
        answer = ssh.try_command(host, wait_for_cloud_init())
        if answer.exit_code == STILL_BOOTING:
            said[0] = answer.output.strip()
            return None
        if answer.exit_code:
            words = answer.errors or answer.output
            raise HostCommandError(host.address, "wait for cloud-init", answer.exit_code, words)
        return True

    try:
        wait_until(
            is_over,
            what=f"the end of the first boot of {host.address}",
            timeout_seconds=timeout_seconds,
            progress=lambda: said[0] or "asking cloud-init",
        )
    except WaitTimeoutError as error:
        raise NotebakeError(
            f"{host.address} ({host.instance_id}) lets us in, but cloud-init did not come to an"
            f" end within {timeout_seconds:.0f} s: {said[0]}",
            "See `cloud-init status --long` and /var/log/cloud-init-output.log there.",
        ) from error
