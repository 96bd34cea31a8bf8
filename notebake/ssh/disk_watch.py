"""The disks of a host while work goes on there: which of them was full, and since when."""

from notebake import clock
from notebake.commands.room import Room, find_full, find_tightest, says_full

FULL_SECONDS = 20
"""How long a disk may be full before the work ends for it: some programs try for minutes."""


class DiskWatch:
    """What the readings of one work have shown."""

    def __init__(self) -> None:
        self._room: tuple[Room, ...] = ()
        self._full: Room | None = None
        """The last one that was seen full."""
        self._had_room_at = clock.elapsed()

    def see(self, room: tuple[Room, ...]) -> None:
        """Take in a reading."""
        self._room = room
        if full := find_full(room):
            self._full = full
        else:
            self._had_room_at = clock.elapsed()

    @property
    def full_for_long(self) -> Room | None:
        """The disk for which the work is to be ended."""
        return self._full if clock.elapsed() > self._had_room_at + FULL_SECONDS else None

    def blame(self, printed: str) -> Room | None:
        """Return the disk for which work failed that has printed this; None where none was full.

        A program may have taken away what it had begun: then the words of its end count, and of
        the disks that have room again the tightest was full.
        """
        if full := find_full(self._room):
            return full
        return (self._full or find_tightest(self._room)) if says_full(printed) else None
