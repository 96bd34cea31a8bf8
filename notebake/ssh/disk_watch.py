"""The disks of a host while work goes on there: which of them was full, and since when."""

from notebake import clock
from notebake.commands.disk_space import DiskSpace, find_full, find_least_free, reports_full_disk

FULL_SECONDS = 20
"""How long a disk may be full before the work ends for it: some programs try for minutes."""


class DiskWatch:
    """What the readings of one work have shown."""

    def __init__(self) -> None:
        self._room: tuple[DiskSpace, ...] = ()
        self._full: DiskSpace | None = None
        """The last one that was seen full."""
        self._had_room_at = clock.elapsed()

    def see(self, room: tuple[DiskSpace, ...]) -> None:
        """Take in a reading."""
        self._room = room
        if full := find_full(room):
            self._full = full
        else:
            self._had_room_at = clock.elapsed()

    @property
    def full_for_long(self) -> DiskSpace | None:
        """The disk for which the work is to be ended."""
        return self._full if clock.elapsed() > self._had_room_at + FULL_SECONDS else None

    def blame(self, printed: str) -> DiskSpace | None:
        """Return the disk for which work failed that has printed this; None where none was full.

        A program may have taken away what it had begun: then the words of its end count, and of
        the disks that have room again the tightest was full.
        """
        if full := find_full(self._room):
            return full
        return (self._full or find_least_free(self._room)) if reports_full_disk(printed) else None
