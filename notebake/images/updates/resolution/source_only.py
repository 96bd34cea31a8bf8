"""Versions that a bake would build from source, which is never done here.

uv is asked with --no-build, and then passes over a version that has no fitting wheel. On the
machine it would build it, and so install another version than the one found here.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import httpx
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidSdistFilename, canonicalize_name, parse_sdist_filename
from packaging.version import InvalidVersion, Version

from notebake.images.updates.resolution.index_page import fetch_files
from notebake.images.updates.resolution.pins import compare
from notebake.images.updates.resolution.uv_log import without_login
from notebake.images.updates.resolution.uv_program import Question, Resolution, index_address
from notebake.timeouts import ARCHIVE_ANSWER_SECONDS

AT_ONCE = 8


def find_source_only(question: Question, found: Resolution) -> dict[str, str]:
    """Return for each package why the version found here may not be the one of a bake.

    Only the few packages are asked for of which uv left a version above the one that it took.
    """
    asked = {
        name: versions
        for name, refused in found.refused.items()
        if (versions := [each for each in refused if is_above(each, name, found)])
    }
    if not asked:
        return {}
    index = index_address(question)
    try:
        client = httpx.Client(timeout=ARCHIVE_ANSWER_SECONDS, follow_redirects=True)
    except (ValueError, ImportError, httpx.InvalidURL) as error:
        return dict.fromkeys(asked, f"the proxy of this computer cannot be used: {error}")
    with client, ThreadPoolExecutor(AT_ONCE, thread_name_prefix="index") as pool:
        reasons = pool.map(
            lambda name: reason_of(client, index, name, asked[name], question), asked
        )
        return {name: why for name, why in zip(asked, reasons, strict=True) if why}


def is_above(version: str, name: str, found: Resolution) -> bool:
    """Return whether a version is above the one that was taken, if any was."""
    taken = found.pins.get(name)
    return taken is not None and not taken.url and compare(version, taken.version) > 0


def reason_of(
    client: httpx.Client, index: str, name: str, versions: list[str], question: Question
) -> str:
    """Return why one of these versions may be built on the machine, or ""."""
    tried = f"GET {without_login(index)}/{name}/"
    try:
        files = fetch_files(client, index, name)
        built = [each for each in source_versions(files, question, name) if each in versions]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
        return (
            f"uv left {name} {versions[0]}, and whether a bake would build it is not known:"
            f" {tried}: {without_login(str(error))}"
        )
    if not built:
        return ""
    return (
        f"{name} {built[0]} has no wheel for the image's Python, so a bake may build it from"
        " source, which is not tried here"
    )


def source_versions(files: list[Mapping[str, Any]], question: Question, name: str) -> Iterator[str]:
    """Yield the versions of which the image's Python may use a source distribution."""
    limit = question.exceptions.get(name, question.exclude_newer)
    for file in files:
        if file.get("yanked") or is_later(file.get("upload-time"), limit):
            continue
        try:
            needs = SpecifierSet(file.get("requires-python") or "")
            project, version = parse_sdist_filename(file["filename"])
        except (InvalidSdistFilename, InvalidVersion, InvalidSpecifier):
            continue
        if canonicalize_name(project) == name and Version(question.python.version) in needs:
            yield str(version)


def is_later(uploaded: str | None, limit: datetime | None) -> bool:
    """Return whether a file was uploaded after a date; without its date it counts as later."""
    if limit is None:
        return False
    if not uploaded:
        return True
    return datetime.fromisoformat(uploaded) >= limit
