"""The files of a machine, listed with the checksums that are published of them."""

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
"""How many directory entries a process lists before it gives back what is left, to be shared."""

Directories = tuple[int, list[str], int]
"""A number, directories to list with all below, and their file system."""
ListedFile = tuple[str, int, tuple[int, int] | None]
"""Path, size, and the file's identity if it has several names."""


class Listing(TypedDict):
    """What a process found below some directories, and which of them it left to others."""

    number: int
    files: list[ListedFile]
    published: PathChecksums
    unreadable: list[Unreadable]
    left: list[str]


def list_files(root: str, tops: tuple[str, ...], directories: Directories) -> Listing:
    """List the regular files below some directories. Never leaves their file system."""
    number, waiting, device = directories
    waiting.reverse()
    listing: Listing = {
        "number": number,
        "files": [],
        "published": [],
        "unreadable": [],
        "left": waiting,
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
        below = f"{directory}/" if directory else ""
        for path, status in _statuses(names, below, listing["unreadable"]):
            if stat.S_ISREG(status.st_mode):
                identity = (status.st_dev, status.st_ino) if status.st_nlink > 1 else None
                listing["files"].append((path, status.st_size, identity))
                listing["published"] += read_checksums(root, path)
            elif stat.S_ISDIR(status.st_mode) and status.st_dev == device and path not in tops:
                waiting.append(path)
    waiting.reverse()
    return listing


def _statuses(
    names: list[os.DirEntry[str]], below: str, missing: list[Unreadable]
) -> Iterator[tuple[str, os.stat_result]]:
    for name in names:
        path = below + name.name
        try:
            yield path, name.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        except OSError as error:
            missing.append(unreadable_path(path, error))


class Walk:
    """The regular files below some directories, with the checksums that are published of them."""

    def __init__(self, root: str, directories: Iterable[str]) -> None:
        self.root = root
        self.tops = tuple(dict.fromkeys(directory.strip("/") for directory in directories))
        self.unreadable: list[Unreadable] = []
        self.published: dict[str, list[Checksum]] = {}
        self.files: dict[str, int] = {}
        """Path and size, each file by the first of its names."""
        self._lots: deque[Directories] = deque()
        self._devices: list[int] = []
        """The file system of each lot, by the lot's number."""
        self._listed: dict[int, tuple[list[ListedFile], range]] = {}
        """The files of each lot, and the numbers of the lots that it left."""

    def list_all(self, processes: int) -> None:
        """List all, in several processes, each taking up what another has left."""
        for top in self.tops:
            try:
                self._add([top], os.lstat(os.path.join(self.root, top)).st_dev)  # noqa: PTH118
            except OSError as error:
                self.unreadable.append(unreadable_path(top, error))
        first = range(len(self._devices))
        for listing in run_in_workers(
            partial(list_files, self.root, self.tops), self._lots, processes
        ):
            self.unreadable += listing["unreadable"]
            for path, one in listing["published"]:
                self.published.setdefault(path, []).append(one)
            number, left, before = listing["number"], listing["left"], len(self._devices)
            step = max(1, len(left) // (2 * processes))
            for at in range(0, len(left), step):
                self._add(left[at : at + step], self._devices[number])
            self._listed[number] = (listing["files"], range(before, len(self._devices)))
        self._keep(first)

    def _add(self, directories: list[str], device: int) -> None:
        self._lots.append((len(self._devices), directories, device))
        self._devices.append(device)

    def _keep(self, numbers: range) -> None:
        """Keep what was listed, in the order of the directories, whoever listed it first."""
        seen: set[tuple[int, int]] = set()
        waiting = [*reversed(numbers)]
        while waiting:
            files, left = self._listed.pop(waiting.pop())
            waiting.extend(reversed(left))
            for path, size, identity in files:
                if identity is not None and identity in seen:
                    continue
                if identity is not None:
                    seen.add(identity)
                self.files[path] = size
