"""Lists a machine's files, with the checksums that package managers record for them."""

import os
import stat
from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial
from operator import attrgetter
from typing import TypedDict

from notebake.credentials.package_checksums import Checksum, PathChecksums, read_checksums
from notebake.credentials.report import Unreadable, unreadable_path
from notebake.credentials.worker_processes import run_in_workers

ENTRIES_PER_BATCH = 1000
"""How many directory entries a process lists before it returns the remaining directories."""

Directories = tuple[int, list[str], int]
"""A batch: its number, directories to list recursively, and their device number."""
ListedFile = tuple[str, int, tuple[int, int] | None]
"""Path, size, and the file's identity if it has several names."""


class Listing(TypedDict):
    """The files of a batch, and the directories that remain to be listed."""

    number: int
    files: list[ListedFile]
    published: PathChecksums
    unreadable: list[Unreadable]
    remaining: list[str]


def list_files(root: str, tops: tuple[str, ...], directories: Directories) -> Listing:
    """List the regular files below some directories, on the same file system only."""
    number, waiting, device = directories
    waiting.reverse()
    listing: Listing = {
        "number": number,
        "files": [],
        "published": [],
        "unreadable": [],
        "remaining": waiting,
    }
    entries = 0
    while waiting and entries < ENTRIES_PER_BATCH:
        directory = waiting.pop()
        try:
            with os.scandir(os.path.join(root, directory)) as found:  # noqa: PTH118
                names = sorted(found, key=attrgetter("name"))
        except FileNotFoundError:
            continue
        except OSError as error:
            listing["unreadable"].append(unreadable_path(directory, error))
            continue
        entries += len(names)
        for path, status in _statuses(directory, names, listing["unreadable"]):
            if stat.S_ISREG(status.st_mode):
                _add_file(listing, root, path, status)
            elif stat.S_ISDIR(status.st_mode) and status.st_dev == device and path not in tops:
                waiting.append(path)
    waiting.reverse()
    return listing


def _add_file(listing: Listing, root: str, path: str, status: os.stat_result) -> None:
    identity = (status.st_dev, status.st_ino) if status.st_nlink > 1 else None
    listing["files"].append((path, status.st_size, identity))
    listing["published"] += read_checksums(root, path)


def _statuses(
    directory: str, names: list[os.DirEntry[str]], unreadable: list[Unreadable]
) -> Iterator[tuple[str, os.stat_result]]:
    below = f"{directory}/" if directory else ""
    for name in names:
        path = below + name.name
        try:
            yield path, name.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        except OSError as error:
            unreadable.append(unreadable_path(path, error))


class Walk:
    """The regular files below some directories, with the checksums recorded for them."""

    def __init__(self, root: str, directories: Iterable[str]) -> None:
        self.root = root
        self.tops = tuple(dict.fromkeys(directory.strip("/") for directory in directories))
        self.unreadable: list[Unreadable] = []
        self.published: dict[str, list[Checksum]] = {}
        self.files: dict[str, int] = {}
        """Path and size, each file by the first of its names."""
        self._batches: deque[Directories] = deque()
        self._devices: list[int] = []
        """The device number of each batch, by the batch's number."""
        self._listed: dict[int, tuple[list[ListedFile], range]] = {}
        """The files of each batch, and the numbers of the batches made of its remaining ones."""

    def list_all(self, processes: int) -> None:
        """List all files in several processes, which share the remaining directories."""
        for top in self.tops:
            try:
                self._add([top], os.lstat(os.path.join(self.root, top)).st_dev)  # noqa: PTH118
            except OSError as error:
                self.unreadable.append(unreadable_path(top, error))
        first = range(len(self._devices))
        work = partial(list_files, self.root, self.tops)
        for listing in run_in_workers(work, self._batches, processes):
            self.unreadable += listing["unreadable"]
            for path, checksum in listing["published"]:
                self.published.setdefault(path, []).append(checksum)
            number, remaining = listing["number"], listing["remaining"]
            before, step = len(self._devices), max(1, len(remaining) // (2 * processes))
            for at in range(0, len(remaining), step):
                self._add(remaining[at : at + step], self._devices[number])
            self._listed[number] = (listing["files"], range(before, len(self._devices)))
        self._collect(first)

    def _add(self, directories: list[str], device: int) -> None:
        self._batches.append((len(self._devices), directories, device))
        self._devices.append(device)

    def _collect(self, numbers: range) -> None:
        """Collect the files in the order of the directories, whichever process listed them."""
        seen: set[tuple[int, int]] = set()
        waiting = [*reversed(numbers)]
        while waiting:
            files, remaining = self._listed.pop(waiting.pop())
            waiting.extend(reversed(remaining))
            for path, size, identity in files:
                if identity is not None and identity in seen:
                    continue
                if identity is not None:
                    seen.add(identity)
                self.files[path] = size
