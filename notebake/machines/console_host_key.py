"""The console of a machine: where its host keys are told by somebody other than the network."""

import re

from notebake.aws import instances
from notebake.timeouts import CONSOLE_SECONDS
from notebake.waiting import wait_until

BLOCK = re.compile(
    r"-----BEGIN SSH HOST KEY KEYS-----(.*?)-----END SSH HOST KEY KEYS-----", re.DOTALL
)
KEY = re.compile(r"(?<![\w-])ssh-ed25519 (AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43})(?![\w+/=])")
"""A whole key: 68 characters, of which 25 say its kind and its length (RFC 8709, 4)."""


def parse_host_key(console: str) -> str | None:
    """Return the ed25519 host key that cloud-init last wrote to the console, if it is whole.

    The kernel, systemd and cloud-init write there at once, so one may cut the line of another.
    """
    blocks = BLOCK.findall(console)
    found = KEY.findall(blocks[-1]) if blocks else []
    return f"ssh-ed25519 {found[-1]}" if found else None


def wait_for_host_key(instance_id: str, region: str) -> str:
    """Return the machine's host key from its console. On AWS that may take minutes to appear.

    Raises:
        WaitTimeoutError: the console never showed one.
    """
    return wait_until(
        lambda: parse_host_key(instances.read_console(instance_id, region)),
        what=f"the host key of {instance_id} on its console",
        timeout_seconds=CONSOLE_SECONDS,
        interval_seconds=0.5,
    )
