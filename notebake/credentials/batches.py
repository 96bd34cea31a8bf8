"""Divides the files to scan into batches of similar size for the worker processes."""

from collections import deque

from notebake.credentials.package_checksums import Checksum, source_of_bytecode
from notebake.credentials.walk import Walk

BATCH_WEIGHT = 4 << 20
"""Bytes in a batch, unless a single file has more."""
FILE_WEIGHT = 16 << 10
"""Added to each file's size, so that no process has more than 256 files open at once."""

Compiled = list[tuple[str, int, list[Checksum]]]
Candidate = tuple[str, int, list[Checksum], Compiled]
"""A file: path, size, the checksums of its published versions, and the bytecode compiled from it.

A file of size 0 is only compared: it is empty, or is scanned under another of its names.
"""
Batch = tuple[list[Candidate], str]
"""Files, and a git repository or ""; plain types, as it is sent through a pipe."""


def make_batches(walk: Walk, repositories: list[str]) -> deque[Batch]:
    """Return all files and repositories in batches, the largest first."""
    compiled: dict[str, Compiled] = {}
    others: dict[str, int] = {}
    for path, size in walk.files.items():
        source = source_of_bytecode(path)
        if source in walk.published and size:
            compiled.setdefault(source, []).append((path, size, walk.published.get(path, [])))
        elif size:
            others[path] = size
    # A source that is empty, or was listed under another name, is still needed for its comparison.
    others.update((source, 0) for source in compiled if source not in others)
    batches: list[tuple[int, Batch]] = [(BATCH_WEIGHT, ([], path)) for path in repositories]
    batch: list[Candidate] = []
    weight = 0
    for path, size in others.items():
        batch.append((path, size, walk.published.get(path, []), compiled.get(path, [])))
        weight += size + FILE_WEIGHT
        if weight >= BATCH_WEIGHT:
            batches.append((weight, (batch, "")))
            batch, weight = [], 0
    batches.append((weight, (batch, "")))
    batches.sort(key=lambda weighted: weighted[0], reverse=True)
    return deque(batch for _, batch in batches)
