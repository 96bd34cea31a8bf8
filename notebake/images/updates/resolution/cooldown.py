"""Releases that are not old enough yet: what they hold back, and what the image has of them.

What the image has already was accepted with it. So a date never makes a package older than it is.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from notebake.images.updates.finding import Change
from notebake.images.updates.resolution.pins import Pinned, changes_between, compare
from notebake.images.updates.resolution.upload_times import with_ages
from notebake.images.updates.resolution.uv_program import Question, Resolution, resolve

EVER = datetime(9999, 1, 1, tzinfo=UTC)
ROUNDS = 5


@dataclass(frozen=True)
class Cooled:
    """What would be installed up to a date, and what would be without it."""

    question: Question
    resolution: Resolution
    held_back: tuple[Change, ...] = ()
    """From the version up to the date to the one of today."""


def resolve_cooled(question: Question, installed: Mapping[str, Pinned]) -> Cooled:
    """Return what uv would install; with a date it is asked without the date, too."""
    if question.exclude_newer is None:
        return Cooled(question, resolve(question))
    free = replace(question, exclude_newer=None, exceptions={})
    with ThreadPoolExecutor(2, thread_name_prefix="resolution") as pool:
        newest, found = pool.map(resolve, (free, question))
    for _ in range(ROUNDS):
        older = older_by_the_date(installed, found, newest) - question.exceptions.keys()
        if not older:
            break
        question = replace(
            question,
            exceptions={**question.exceptions, **dict.fromkeys(older, EVER)},
            constraints=(
                *question.constraints,
                *(f"{name}<={installed[name].version}" for name in sorted(older)),
            ),
        )
        found = resolve(question)
    held_back = [*changes_between(found.pins, newest.pins)]
    return Cooled(question, found, with_ages(held_back, question))


def older_by_the_date(
    installed: Mapping[str, Pinned], found: Resolution, newest: Resolution
) -> set[str]:
    """Return the packages of which only the date forbids the version that the image has."""
    older = set[str]()
    for name, has in installed.items():
        up_to_date, today = found.pins.get(name), newest.pins.get(name)
        if has.url or not up_to_date or not today:
            continue
        is_older = compare(up_to_date.version, has.version) < 0
        if is_older and compare(today.version, has.version) >= 0:
            older.add(name)
    return older
