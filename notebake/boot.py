"""A machine that comes up: waited for until it lets us in and its boot is over."""

from notebake import host as ssh
from notebake.commands.boot import first_boot_status
from notebake.errors import HostUnreachableError, LoginRefusedError
from notebake.patience import BOOT_SECONDS
from notebake.records import Host
from notebake.waiting import wait_until

REFUSALS = 20
"""How often a key may be refused: it can arrive a moment after sshd does."""


def wait_for_boot(host: Host) -> None:
    """Wait until the host lets us in, and cloud-init has done its work.

    Raises:
        LoginRefusedError: it has refused the key for a while, as when cloud-init is done with it.
        WaitTimeoutError: it does not answer.
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
        timeout_seconds=BOOT_SECONDS,
        interval_seconds=0.25,
    )
    ssh.run_command(host, first_boot_status(), timeout_seconds=BOOT_SECONDS)
