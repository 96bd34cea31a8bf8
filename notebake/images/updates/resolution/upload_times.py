"""When the releases that a date holds back were uploaded, by the pages of the index."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpx
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion

from notebake import clock
from notebake.humanize import pluralize
from notebake.images.updates.finding import Change
from notebake.images.updates.resolution.index_page import fetch_files
from notebake.images.updates.resolution.pins import compare
from notebake.images.updates.resolution.uv_program import Question, index_address
from notebake.timeouts import ARCHIVE_ANSWER_SECONDS

AT_ONCE = 8


def with_ages(changes: Sequence[Change], question: Question) -> tuple[Change, ...]:
    """Return what is held back with how old each release is: `3 days old (2026-11-27)`.

    What only follows from that is left out: a package that a held release does not need any more,
    or an old one that it needs.
    Where the index gives no answer, they only say that it was uploaded after the date.
    """
    changes = [change for change in changes if change.new is not None]
    if not changes:
        return ()
    index = index_address(question)
    try:
        client = httpx.Client(timeout=ARCHIVE_ANSWER_SECONDS, follow_redirects=True)
    except (ValueError, ImportError, httpx.InvalidURL):
        return tuple(with_age(change, None, question) for change in changes)
    with client, ThreadPoolExecutor(AT_ONCE, thread_name_prefix="index") as pool:
        times = pool.map(lambda change: find_upload(client, index, change), changes)
        return tuple(
            with_age(change, at, question)
            for change, at in zip(changes, times, strict=True)
            if not (at and question.exclude_newer and at < question.exclude_newer)
        )


def with_age(change: Change, uploaded: datetime | None, question: Question) -> Change:
    """Return a change that says how old its new version is."""
    detail = f"uploaded after {question.exclude_newer:%Y-%m-%d}" if question.exclude_newer else ""
    if uploaded:
        days = max(0, int((clock.now() - uploaded.timestamp()) // 86400))
        detail = f"{pluralize(days, 'day')} old ({uploaded:%Y-%m-%d})"
    return change.model_copy(update={"detail": detail})


def find_upload(client: httpx.Client, index: str, change: Change) -> datetime | None:
    """Return when the first file of the new version was uploaded, in UTC; None if not known."""
    if change.new is None:
        return None
    try:
        files = fetch_files(client, index, change.name)
        times = [at for file in files if (at := upload_of(file, change.new))]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError):
        return None
    return min(times, default=None)


def upload_of(file: Mapping[str, Any], version: str) -> datetime | None:
    """Return when a file was uploaded; None if it is of another version."""
    name, uploaded = str(file["filename"]), file.get("upload-time")
    try:
        parsed = (parse_wheel_filename if name.endswith(".whl") else parse_sdist_filename)(name)
    except (InvalidSdistFilename, InvalidWheelFilename, InvalidVersion):
        return None
    if not uploaded or compare(str(parsed[1]), version) != 0:
        return None
    return datetime.fromisoformat(str(uploaded)).astimezone(UTC)
