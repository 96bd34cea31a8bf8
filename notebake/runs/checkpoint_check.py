"""Verifies the checkpoints of a record, and the runs by them and by anchors."""

import functools
from collections.abc import Iterable, Sequence

from notebake.ledger.chain import RecordPlace
from notebake.ledger.checkpoint import FIRST, Anchor, Checkpoint, key_of, parse_note
from notebake.ledger.entry import hash_of
from notebake.ledger.entry_anchor import EntryAnchor, compare_anchor
from notebake.ledger.verify_checkpoints import CheckpointReport, verify_checkpoints
from notebake.runs.checkpoints import read_all, recall, recall_here, remember
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
    # Before the checkpoints are read: one that is made meanwhile is no older copy.
    seen_here = recall_here(location)
    first = place.store.read(place.prefix + key_of(FIRST))
    by_origin = _seen([first.content] if first else [])
    contents = read_all(place)
    by_origin = by_origin or _seen(contents.values())
    seen = {*by_origin, *seen_here}

    head_at = functools.cache(functools.partial(_hash_of_entry, place))
    report = verify_checkpoints(
        contents, head_at, (*anchors, *sorted(seen, key=str)), expected_key, run
    )
    if report.head and not report.findings:
        remember(report.head, location)
    return report


def _seen(contents: Iterable[bytes]) -> tuple[Anchor, ...]:
    """Return the tree head of this record that this machine remembers, if it has seen one.

    `contents` are checkpoints: any of them says which record it is.
    """
    for content in contents:
        origin = _origin_of(content)
        if origin and (seen := recall(origin)):
            return (seen.anchor,)
    return ()


def _origin_of(content: bytes) -> str:
    try:
        return parse_note(Checkpoint.model_validate_json(content).note).origin
    except ValueError:
        return ""


def compare_with_image(run: str, location: str, anchor: EntryAnchor | None) -> list[str]:
    """Return what the anchor in the tag of a run's image shows to be changed.

    Raises:
        RunStoreError: the store failed, so nothing can be said.
    """
    if anchor is None:
        return []
    hash_at = functools.partial(_hash_of_entry, record_place(location), run)
    wrong = compare_anchor(run, anchor, hash_at)
    return [wrong] if wrong else []


def _hash_of_entry(place: RecordPlace, run: str, sequence: int) -> str | None:
    """Return the hash of an entry's stored bytes; None if it is not there."""
    stored = place.store.read(place.key(run, sequence))
    return hash_of(stored.content) if stored else None
