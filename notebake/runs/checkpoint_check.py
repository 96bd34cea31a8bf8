"""Verifies the checkpoints of a record, and the runs by them."""

import functools
from collections.abc import Sequence

from notebake.ledger.checkpoint import Anchor, Checkpoint, parse_note
from notebake.ledger.entry import hash_of
from notebake.ledger.verify_checkpoints import CheckpointReport, verify_checkpoints
from notebake.runs.checkpoints import read_all, recall, remember
from notebake.runs.run_record import record_place


def check_checkpoints(
    location: str, *, anchors: Sequence[Anchor] = (), expected_key: str = "", run: str = ""
) -> CheckpointReport:
    """Return what the checkpoints show, compared with what this machine has seen before.

    With `run` the entries of that run only are read.

    Raises:
        RunStoreError: the store failed, so nothing can be said.
    """
    place = record_place(location)
    contents = read_all(place)

    @functools.cache
    def head_at(run: str, sequence: int) -> str | None:
        stored = place.store.read(place.key(run, sequence))
        return hash_of(stored.content) if stored else None

    known = (*anchors, *_seen(contents))
    report = verify_checkpoints(contents, head_at, known, expected_key, run)
    if report.head and not report.findings:
        remember(report.head)
    return report


def _seen(contents: dict[int, bytes]) -> tuple[Anchor, ...]:
    """Return the tree head of this record that this machine remembers, if it has seen one."""
    for content in contents.values():
        origin = _origin_of(content)
        if origin and (seen := recall(origin)):
            return (seen.anchor,)
    return ()


def _origin_of(content: bytes) -> str:
    try:
        return parse_note(Checkpoint.model_validate_json(content).note).origin
    except ValueError:
        return ""
