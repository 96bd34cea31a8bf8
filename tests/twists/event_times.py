"""When a machine first shows what it is refused for, read from outside, as the sandbox has it."""

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from sandbox.home import Home
from sandbox.hosts import packet_loss
from sandbox.twists.table import MIB

POLL_SECONDS = 0.1
FULL_BELOW_BYTES = MIB
KINDS = {
    "full-disk": "disk full",
    "no-egress": "packet lost",
    "no-forwarding": "forwarding refused",
}
"""The event that shows a twist's cause first, where it is not there from the beginning."""


class EventTimes:
    """The first time of each kind of event, by `time.monotonic`."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.seen: dict[str, float] = {"begun": time.monotonic()}

    def look(self) -> None:
        """Note what has happened by now."""
        for place in self._home.machines_path.glob("i-*"):
            log = read_log(place)
            self._note("let in", "Accepted publickey" in log)
            self._note("forwarding refused", "refused local port forward" in log)
            self._note("disk full", is_full(place / "disk"))
        lost = packet_loss.dropped_by_address(self._home, packet_loss.EGRESS)
        self._note("packet lost", any(lost.values()))

    def _note(self, what: str, has_happened: bool) -> None:
        if has_happened:
            self.seen.setdefault(what, time.monotonic())

    def first_of(self, twist: str) -> tuple[str, float]:
        """Return what showed the twist first, and when.

        What is there from the beginning shows to whoever is let in first. A refusal before that is
        counted from when the build began.
        """
        what = next(
            moment for moment in (KINDS.get(twist), "let in", "begun") if moment in self.seen
        )
        return what, self.seen[what]


def read_log(place: Path) -> str:
    """Return what rsyslog has written of logins on a machine."""
    try:
        return (place / "upper/var/log/auth.log").read_text(errors="replace")
    except OSError:  # nobody was let in yet, or the machine is gone
        return ""


def is_full(disk: Path) -> bool:
    """Tell whether a root disk of its own has no room."""
    try:
        if not disk.is_mount():
            return False
        facts = os.statvfs(disk)
    except OSError:
        return False
    return facts.f_bavail * facts.f_frsize < FULL_BELOW_BYTES


@contextmanager
def event_times_recorded(home: Home) -> Iterator[EventTimes]:
    """Look again and again while the block runs. Raises what a look raised."""
    moments, end = EventTimes(home), threading.Event()

    def watch() -> None:
        while not end.wait(POLL_SECONDS):
            moments.look()

    with ThreadPoolExecutor(1) as beside:
        watching = beside.submit(watch)
        try:
            yield moments
        finally:
            end.set()
        watching.result()
