"""A machine that comes up: waited for until it lets us in and its boot is over."""

from notebake import host as ssh
from notebake.commands.boot import STILL_BOOTING, first_boot_status
from notebake.errors import (
    HostCommandError,
    HostUnreachableError,
    LoginRefusedError,
    NotebakeError,
    WaitTimeoutError,
)
from notebake.patience import BOOT_SECONDS
from notebake.records import Host
from notebake.waiting import wait_until

REFUSALS = 20
"""How often a key may be refused: it can arrive a moment after sshd does."""


def wait_for_boot(host: Host, *, timeout_seconds: float = BOOT_SECONDS) -> None:
    """Wait until the host lets us in, and then until cloud-init has done its work.

    Raises:
        LoginRefusedError: it has refused the key for a while, as when cloud-init is done with it.
        WaitTimeoutError: it does not answer.
        NotebakeError: it lets us in, but does not come to the end of its boot.
        HostCommandError: cloud-init failed; its own words are in the message.
    """
    refused: list[LoginRefusedError] = []

    def answers() -> bool | None:
        try:
            return ssh.is_reachable(host) or None
        except LoginRefusedError as error:
            refused.append(error)
            if len(refused) > REFUSALS:
                raise
            return None
        except HostUnreachableError:
            return None

    wait_until(
        answers,
        what=f"ssh on {host.address}",
        timeout_seconds=timeout_seconds,
        interval_seconds=0.25,
    )
    wait_for_first_boot(host, timeout_seconds)


def wait_for_first_boot(host: Host, timeout_seconds: float) -> None:
    """Wait until cloud-init has done its work, and show meanwhile what it is at."""
    said = [""]

    def is_over() -> bool | None:
        answer = ssh.try_command(host, first_boot_status())
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
