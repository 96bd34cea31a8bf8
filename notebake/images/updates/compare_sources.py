"""Compares what a source said at the time of the bake with what it says now."""

import re

from notebake.images.updates.finding import Change
from notebake.images.updates.source_state import SourceState

WEAK = re.compile(r'^(?:W/)?"?(?P<value>[^"]*?)(?:-{1,2}(?:gzip|br|zstd|deflate))?"?$')
"""Servers that compress make an ETag weak, or add the encoding to it."""


def compare_states(
    before: SourceState, now: SourceState, *, is_content_fixed: bool
) -> Change | str:
    """Return what has changed; "" if nothing has, and a sentence if that cannot be known.

    `is_content_fixed`: the recipe has a checksum, so any other content of the same size would be
    refused by a bake.
    """
    if None not in (before.size, now.size) and before.size != now.size:
        detail = "the recipe's sha256 no longer fits: a build would fail" * is_content_fixed
        return _change(before, now, detail)
    if before.checksum and now.checksum and _algorithm(before) == _algorithm(now):
        return "" if before.checksum == now.checksum else _change(before, now, "another checksum")
    if is_content_fixed:
        return ""
    old, new = _bare(before.etag), _bare(now.etag)
    if old and old == new:
        return ""
    has_dates = bool(before.modified and now.modified)
    is_same_date = has_dates and _is_same_date(before.modified, now.modified)
    is_same_size = before.size is not None and before.size == now.size
    # Web servers behind one name often give one file several ETags; S3 never does.
    is_doubtful = is_same_date and is_same_size and not now.source.startswith("s3://")
    if old and new and is_doubtful:
        return f"{now.source} has another ETag, and the same size and date."
    if old and new:
        return _change(before, now, "another ETag")
    if has_dates and not is_same_date:
        return _change(before, now, "another date")
    if is_same_date and is_same_size:
        return ""
    return f"{now.source} tells, or told, too little: neither ETag nor size and date."


def describe_state(state: SourceState) -> str:
    """Return a state in a few words: size, number of objects, date."""
    parts = [] if state.size is None else [f"{state.size:,} bytes".replace(",", " ")]
    parts += [] if state.objects is None else [f"{state.objects} objects"]
    return ", ".join([*parts, state.modified] if state.modified else parts)


def _change(before: SourceState, now: SourceState, detail: str) -> Change:
    old, new = describe_state(before), describe_state(now)
    if old == new:
        old, new = (
            f"{text}, {_mark(state)}".removeprefix(", ")
            for text, state in ((old, before), (new, now))
        )
    return Change(name=now.name, old=old, new=new, detail=detail)


def _mark(state: SourceState) -> str:
    return state.checksum.partition(" ")[2] or _bare(state.etag)


def _algorithm(state: SourceState) -> str:
    return state.checksum.partition(" ")[0]


def _bare(etag: str) -> str:
    """Return an ETag without what a server adds to it when it compresses."""
    found = WEAK.fullmatch(etag.strip())
    return found["value"] if found else etag


def _is_same_date(one: str, other: str) -> bool:
    """Compare two dates as exactly as both are: sftp tells of an old file only the day."""
    length = min(len(one), len(other))
    return one.removesuffix("Z")[:length] == other.removesuffix("Z")[:length]
