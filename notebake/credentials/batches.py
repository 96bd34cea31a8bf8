"""The work shared out: which process compares and searches what."""

from collections import deque

from notebake.credentials.package_checksums import Checksum, source_of_bytecode
from notebake.credentials.walk import Walk

BATCH_WEIGHT = 4 << 20
"""So many bytes a process is given at once, unless a single file has more."""
FILE_WEIGHT = 16 << 10
"""What a file weighs beside its bytes, so that no process has more than 256 open at once."""

Compiled = list[tuple[str, int, list[Checksum]]]
Candidate = tuple[str, int, list[Checksum], Compiled]
"""A file with its size, what it is if as published, and what was compiled from it.

With the size 0 it is only compared: it is empty, or is searched by another of its names.
"""
Batch = tuple[list[Candidate], str]
"""Files to compare and search, and a repository, if any; plain, as they go through a pipe."""


def make_batches(walk: Walk, repositories: list[str]) -> deque[Batch]:
    """Share out what is to be searched, the largest lots first."""
    compiled: dict[str, Compiled] = {}
    alone: dict[str, int] = {}
    for path, size in walk.files.items():
        source = source_of_bytecode(path)
        if source in walk.published and size:
            compiled.setdefault(source, []).append((path, size, walk.published.get(path, [])))
        elif size:
            alone[path] = size
    # To compare the source is enough, though it is empty or was listed by another name.
    alone.update((source, 0) for source in compiled if source not in alone)
    lots: list[tuple[int, Batch]] = [(BATCH_WEIGHT, ([], each)) for each in repositories]
    batch: list[Candidate] = []
    weight = 0
    for path, size in alone.items():
        batch.append((path, size, walk.published.get(path, []), compiled.get(path, [])))
        weight += size + FILE_WEIGHT
        if weight >= BATCH_WEIGHT:
            lots.append((weight, (batch, "")))
            batch, weight = [], 0
    lots.append((weight, (batch, "")))
    lots.sort(key=lambda lot: lot[0], reverse=True)
    return deque(lot for _, lot in lots)
