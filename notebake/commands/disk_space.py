"""Free space and free inodes of a host's file systems."""

from dataclasses import dataclass

LIST_DISK_SPACE = (
    "df --block-size=1 --output=avail,size,iavail,itotal,target"
    " $(findmnt --real --options rw --noheadings --raw --output TARGET) / /tmp /run 2> /dev/null"
    " | tail --lines=+2 | sort --unique"
)
"""A command that prints one line for each writable file system."""
FULL_BYTES = 16 * 1024 * 1024
"""With less free space than this, and less than 1 %, no package can be installed."""
FULL_INODES = 64
FULL_DISK_MESSAGES = ("no space left on device", "os error 28", "enough free space", "enospc")


@dataclass(frozen=True)
class DiskSpace:
    """The free space of one file system for all users but root."""

    free_bytes: int
    size_bytes: int
    free_inodes: int
    total_inodes: int
    """0 for a file system that creates inodes on demand."""
    mount_point: str

    @property
    def lacks_inodes(self) -> bool:
        """Whether no more files can be created, however small."""
        return self.total_inodes > 0 and self.free_inodes < FULL_INODES

    @property
    def is_full(self) -> bool:
        return self.lacks_inodes or self.free_bytes < min(FULL_BYTES, self.size_bytes / 100)

    @property
    def description(self) -> str:
        """The free space as a phrase for an error message."""
        if self.lacks_inodes:
            return (
                f"no inode left on {self.mount_point},"
                f" {self.free_inodes} of {self.total_inodes} are free"
            )
        free, size = self.free_bytes / 1024**3, self.size_bytes / 1024**3
        if not self.is_full:
            return (
                f"no space was left on {self.mount_point}, which has {size:.2g} GiB;"
                f" {free:.2g} GiB are free again"
            )
        return f"no space left on {self.mount_point}, {free:.2g} of {size:.1f} GiB free"

    @property
    def advice(self) -> str:
        """Which recipe field gives the file system more space."""
        if self.mount_point in {"/run", "/dev/shm"}:  # noqa: S108
            return "It lies in memory: choose a larger instance type."
        if self.mount_point == "/":
            return (
                "Raise root_volume.size_gib in the recipe: a new machine gets a disk of that size."
            )
        return f"Raise size_gib of the volume at {self.mount_point} in the recipe."


ROOT_DISK = DiskSpace(0, 0, 0, 0, "/")


def parse_disk_space(printed: str) -> tuple[DiskSpace, ...]:
    """Return what `LIST_DISK_SPACE` printed, without lines that df did not write."""
    found = []
    for line in printed.splitlines():
        fields = line.split(maxsplit=4)
        if len(fields) == 5 and all(field.isdigit() or field == "-" for field in fields[:4]):
            free, size, free_inodes, inodes = (int(field.replace("-", "0")) for field in fields[:4])
            found.append(DiskSpace(free, size, free_inodes, inodes, fields[4]))
    return tuple(found)


def find_full(disks: tuple[DiskSpace, ...]) -> DiskSpace | None:
    """Return the first full file system."""
    return next((disk for disk in disks if disk.is_full), None)


def find_least_free(disks: tuple[DiskSpace, ...]) -> DiskSpace | None:
    """Return the disk with the least free bytes: the likely one to have been full before."""
    on_disk = [disk for disk in disks if not disk.mount_point.startswith(("/run", "/dev"))]
    return min(on_disk, key=lambda disk: disk.free_bytes, default=None)


def reports_full_disk(printed: str) -> bool:
    """Return whether the last lines of a program's output report a full disk."""
    text = "\n".join(printed.splitlines()[-40:]).lower()
    return any(message in text for message in FULL_DISK_MESSAGES)
