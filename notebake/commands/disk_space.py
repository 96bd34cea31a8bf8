"""How much room a host's disks have: asked for as long as somebody works there."""

from dataclasses import dataclass

LIST_DISK_SPACE = (
    "df --block-size=1 --output=avail,size,iavail,itotal,target"
    " $(findmnt --real --options rw --noheadings --raw --output TARGET) / /tmp /run 2> /dev/null"
    " | tail --lines=+2 | sort --unique"
)
"""A command that prints a line for each file system that can be written to."""
FULL_BYTES = 16 * 1024 * 1024
"""With less than that, and less than a hundredth, nothing can be installed any more."""
FULL_INODES = 64
FULL_DISK_MESSAGES = ("no space left on device", "os error 28", "enough free space", "enospc")


@dataclass(frozen=True)
class DiskSpace:
    """What one file system has left, for everybody but root."""

    free_bytes: int
    size_bytes: int
    free_files: int
    most_files: int
    """0 where a file system makes room for them as it goes."""
    mount_point: str

    @property
    def is_full(self) -> bool:
        """Whether nothing can be written to it any more."""
        if self.most_files and self.free_files < FULL_INODES:
            return True
        return self.free_bytes < min(FULL_BYTES, self.size_bytes / 100)

    @property
    def words(self) -> str:
        """What is left, for people."""
        if self.most_files and self.free_files < FULL_INODES:
            return (
                f"no room for another file on {self.mount_point},"
                f" {self.free_files} of {self.most_files} are free"
            )
        free, size = (one / 1024**3 for one in (self.free_bytes, self.size_bytes))
        if not self.is_full:
            return (
                f"no space was left on {self.mount_point}, which has {size:.2g} GiB;"
                f" {free:.2g} GiB are free again"
            )
        return f"no space left on {self.mount_point}, {free:.2g} of {size:.1f} GiB free"

    @property
    def remedy(self) -> str:
        """Which field of the recipe gives it more."""
        if self.mount_point in {"/run", "/dev/shm"}:  # noqa: S108
            return "It lies in memory: a larger instance type has more."
        if self.mount_point == "/":
            return (
                "Mend root_volume.size_gib in the recipe: a new machine gets a disk of that size."
            )
        return f"Mend size_gib of the volume at {self.mount_point} in the recipe."


ROOT_DISK = DiskSpace(0, 0, 0, 0, "/")


def parse_disk_space(printed: str) -> tuple[DiskSpace, ...]:
    """Return what `LIST_DISK_SPACE` printed; a line that is none of df's is left out."""
    found = []
    for line in printed.splitlines():
        words = line.split(maxsplit=4)
        if len(words) == 5 and all(one.isdigit() or one == "-" for one in words[:4]):
            free, size, free_files, most = (int(one.replace("-", "0")) for one in words[:4])
            found.append(DiskSpace(free, size, free_files, most, words[4]))
    return tuple(found)


def find_full(room: tuple[DiskSpace, ...]) -> DiskSpace | None:
    """Return the first file system that is full."""
    return next((one for one in room if one.is_full), None)


def find_least_free(room: tuple[DiskSpace, ...]) -> DiskSpace | None:
    """Return the file system with the least left: which one was full that has room again."""
    disks = [one for one in room if not one.mount_point.startswith(("/run", "/dev"))]
    return min(disks, key=lambda one: one.free_bytes, default=None)


def reports_full_disk(printed: str) -> bool:
    """Tell whether a program's last lines say that a disk is full."""
    text = "\n".join(printed.splitlines()[-40:]).lower()
    return any(words in text for words in FULL_DISK_MESSAGES)
