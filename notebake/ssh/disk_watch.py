"""The disks of a host while work runs there: which disk was full, and since when."""

from notebake import clock
from notebake.commands.disk_space import DiskSpace, find_full, find_least_free, reports_full_disk

FULL_SECONDS = 20
"""How long a disk may be full before the work is stopped: some programs retry for minutes."""


class DiskWatch:
    """The free space of a host's disks during one work."""

    def __init__(self) -> None:
        self._room: tuple[DiskSpace, ...] = ()
        self._full: DiskSpace | None = None
        """The last disk that was full."""
        self._had_room_at = clock.elapsed()

    def update(self, room: tuple[DiskSpace, ...]) -> None:
        self._room = room
        if full := find_full(room):
            self._full = full
        else:
            self._had_room_at = clock.elapsed()

    @property
    def full_for_long(self) -> DiskSpace | None:
        """The full disk because of which the work is to be stopped."""
        return self._full if clock.elapsed() > self._had_room_at + FULL_SECONDS else None

    def find_cause(self, output: str) -> DiskSpace | None:
        """Return the full disk that made work with this output fail; None if no disk was full.

        A program may have deleted its files when it failed. Then its last lines say that a disk
        was full, and it was the one with the least free space.
        """
        if full := find_full(self._room):
            return full
        return (self._full or find_least_free(self._room)) if reports_full_disk(output) else None
