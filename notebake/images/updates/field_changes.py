"""What differs between two values of a field, as changes by dotted names."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from notebake.images.updates.finding import Change

ORDER = "the order alone"
KEYS = ("name", "number")
"""By which an entry of a list is known: a volume, a dataset, an award."""


def compare_values(name: str, old: Any, new: Any) -> Iterator[Change]:
    """Yield what differs: of lists each entry, of entries each field, of long texts each line."""
    if old == new:
        return
    if isinstance(old, dict) or isinstance(new, dict):
        yield from _compare_fields(name, old or {}, new or {})
    elif isinstance(old, list) or isinstance(new, list):
        yield from _compare_lists(name, old or [], new or [])
    elif "\n" in f"{old}{new}":
        yield from _compare_entries(name, _lines(old), _lines(new))
    else:
        yield Change(name=name, old=_text(old), new=_text(new))


def _compare_fields(name: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    for field in {**old, **new}:
        yield from compare_values(f"{name}.{field}", old.get(field), new.get(field))


def _compare_lists(name: str, old: list[Any], new: list[Any]) -> Iterator[Change]:
    if not all(isinstance(each, dict) for each in (*old, *new)):
        yield from _compare_entries(name, old, new)
        return
    before, after = _by_key(old), _by_key(new)
    found = [*_compare_fields(name, before, after)]
    yield from found or _order(name, [*before], [*after])


def _by_key(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the entries by their names, or where they have none by their places."""
    key = next((key for key in KEYS if all(key in entry for entry in entries)), "")
    return {str(entry[key] if key else place): entry for place, entry in enumerate(entries)}


def _compare_entries(name: str, old: list[Any], new: list[Any]) -> Iterator[Change]:
    """Yield what only one of two lists has."""
    before, after = Counter(map(_text, old)), Counter(map(_text, new))
    found = [
        *(Change(name=name, old=entry, new=None) for entry in (before - after).elements()),
        *(Change(name=name, old=None, new=entry) for entry in (after - before).elements()),
    ]
    yield from found or _order(name, old, new)


def _order(name: str, old: list[Any], new: list[Any]) -> Iterator[Change]:
    before, after = (", ".join(str(_text(each)) for each in entries) for entries in (old, new))
    yield Change(name=name, old=before, new=after, detail=ORDER)


def _lines(text: str | None) -> list[str]:
    return (text or "").splitlines()


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
