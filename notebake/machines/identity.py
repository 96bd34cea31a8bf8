"""What identifies a machine: its machine-id, and its ssh host key, which its console shows."""

import re
from collections.abc import Iterator, Sequence
from itertools import count

from notebake.aws import instances
from notebake.errors import ImageNotAcceptedError
from notebake.runs import idempotency
from notebake.runs.run import Run
from notebake.timeouts import CONSOLE_SECONDS
from notebake.waiting import wait_until

NAME = "builder-identity"
MACHINE_ID = re.compile(r"[0-9a-f]{32}")
"""machine-id(5). Before the first boot the file is empty, or contains "uninitialized"."""
KEY_BLOCK = re.compile(
    r"-----BEGIN SSH HOST KEY KEYS-----(.*?)-----END SSH HOST KEY KEYS-----", re.DOTALL
)
HOST_KEY = re.compile(
    r"(?<![\w-])ssh-ed25519 (AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43})(?![\w+/=])"
)
"""A complete key: 68 characters, the first 25 for its type and its length (RFC 8709, 4)."""


def keep_builder_id(run: Run, machine_id: str) -> None:
    """Record a builder's machine-id, besides those of its predecessors, before it is removed."""
    for name in _names():
        recorded = idempotency.remember(run, name, {"machine_id": machine_id})
        if recorded.get("machine_id") == machine_id:
            return


def read_builder_ids(run: Run) -> list[str]:
    """Return the recorded machine-ids of the run's builders."""
    found: list[str] = []
    for name in _names():
        recorded = idempotency.recall(run, name)
        if recorded is None:
            break
        if recorded:
            found.append(str(recorded.get("machine_id") or ""))
    return found


def as_machine_id(printed: str) -> str:
    """Return the machine-id, or "" if it is empty, "uninitialized" or all zeros."""
    found = MACHINE_ID.fullmatch(printed.strip())
    return found[0] if found and found[0].strip("0") else ""


def as_host_key(text: str) -> str:
    """Return the ed25519 host key without its comment, or "" if there is none."""
    found = HOST_KEY.search(text)
    return found[1] if found else ""


def check_all_differ(what: str, found: Sequence[str], places: Sequence[str]) -> None:
    """Check that all machines have different values; `found` contains "" for an unknown value.

    Raises:
        ImageNotAcceptedError: the message names the machines, never the value.
    """
    seen: dict[str, str] = {}
    for value, place in zip(found, places, strict=True):
        if not value:
            raise ImageNotAcceptedError(f"The {what} of {place} could not be determined.")
        if value in seen:
            raise ImageNotAcceptedError(
                f"Two machines have the same {what}: {seen[value]} and {place}."
            )
        seen[value] = place


def _names() -> Iterator[str]:
    """Yield the names under which builders are recorded, without end."""
    yield NAME
    for number in count(2):
        yield f"{NAME}-{number}"


def parse_host_key(console: str) -> str | None:
    """Return the ed25519 host key that cloud-init last wrote to the console, if it is complete.

    The kernel, systemd and cloud-init write there concurrently and may break each other's lines.
    """
    blocks = KEY_BLOCK.findall(console)
    found = HOST_KEY.findall(blocks[-1]) if blocks else []
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
