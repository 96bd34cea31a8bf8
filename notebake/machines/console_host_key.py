"""The host key of a machine from its console output, which does not come over the network."""

import re

from notebake.aws import instances
from notebake.timeouts import CONSOLE_SECONDS
from notebake.waiting import wait_until

BLOCK = re.compile(
    r"-----BEGIN SSH HOST KEY KEYS-----(.*?)-----END SSH HOST KEY KEYS-----", re.DOTALL
)
KEY = re.compile(r"(?<![\w-])ssh-ed25519 (AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43})(?![\w+/=])")
"""A complete key: 68 characters, the first 25 for its type and its length (RFC 8709, 4)."""


def parse_host_key(console: str) -> str | None:
    """Return the ed25519 host key that cloud-init last wrote to the console, if it is complete.

    The kernel, systemd and cloud-init write there concurrently and may break each other's lines.
    """
    blocks = BLOCK.findall(console)
    found = KEY.findall(blocks[-1]) if blocks else []
    return f"ssh-ed25519 {found[-1]}" if found else None


def wait_for_host_key(instance_id: str, region: str) -> str:
    """Return the machine's host key from its console, where AWS may show it after minutes.

    Raises:
        WaitTimeoutError: the console did not show it.
    """
    return wait_until(
        lambda: parse_host_key(instances.read_console(instance_id, region)),
        what=f"the host key of {instance_id} on its console",
        timeout_seconds=CONSOLE_SECONDS,
        interval_seconds=0.5,
    )
