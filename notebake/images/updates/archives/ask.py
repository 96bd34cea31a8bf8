"""Asks all archives of an image at once which versions they have of its packages."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from notebake.images.updates.archives.candidate import Index, describe_index
from notebake.images.updates.archives.download import Downloads
from notebake.images.updates.archives.index import (
    Available,
    fetch_index,
    index_folders,
    read_index,
)
from notebake.images.updates.archives.keyrings import TrustedKeys, trusted_keys
from notebake.images.updates.archives.preferences import Pin
from notebake.images.updates.archives.release import Release, fetch_release
from notebake.images.updates.archives.source import ArchiveError, Source

AT_ONCE = 8
MIRRORS_TRIED = 3
WEB = ("http://", "https://")
MIRROR_FILE = ("mirror+file://", "mirror+file:")
LARGEST_LIST_BYTES = 1_000_000


@dataclass
class Answer:
    """What one source has of the image's packages, and what of it could not be asked."""

    source: Source
    found: list[tuple[Index, Available]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    has_security: bool = False
    """Whether it is a suite for security."""


@dataclass(frozen=True)
class Question:
    """What is asked of each source."""

    names: frozenset[str]
    pins: Sequence[Pin]
    sources_record: Mapping[str, Any]
    """The content of apt-sources.json."""


def ask_sources(sources: Sequence[Source], question: Question) -> list[Answer]:
    """Return the answer of each source, in their order."""
    with Downloads() as get, ThreadPoolExecutor(AT_ONCE, thread_name_prefix="archive") as pool:
        return list(pool.map(lambda source: ask_source(source, question, get), sources))


def ask_source(source: Source, question: Question, get: Downloads) -> Answer:
    """Return what one source has; a fault is its own, and keeps no other from being asked."""
    answer = Answer(source)
    try:
        record = question.sources_record
        keys = None if source.trusted else trusted_keys(source, record.get("keyrings", ()))
        release = first_release(source, keys, record.get("mirrors", {}), get)
    except ArchiveError as error:
        answer.faults.append(str(error))
        return answer
    folders = list(folders_of(source, release, answer.faults))
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="index") as pool:
        for index, found in pool.map(
            lambda each: ask_index(source, release, each, question, get), folders
        ):
            answer.has_security |= index.is_security
            if isinstance(found, str):
                answer.faults.append(found)
            else:
                answer.found += ((index, available) for available in found)
    return answer


def first_release(
    source: Source, keys: TrustedKeys | None, mirrors: Mapping[str, Sequence[str]], get: Downloads
) -> Release:
    """Return the release of a source at the first of its mirrors that gives one."""
    faults = []
    for uri in addresses(source.uri, mirrors, get)[:MIRRORS_TRIED]:
        try:
            return fetch_release(source, uri, keys, get)
        except ArchiveError as error:
            faults.append(str(error))
    raise ArchiveError("; ".join(faults) or f"{source.uri} names no mirror")


def addresses(uri: str, mirrors: Mapping[str, Sequence[str]], get: Downloads) -> list[str]:
    """Return the addresses that an archive has; apt's method "mirror" has a list of them."""
    if uri.startswith(WEB):
        return [uri]
    if start := next((start for start in MIRROR_FILE if uri.startswith(start)), ""):
        path = uri.removeprefix(start)
        if path not in mirrors:
            raise ArchiveError(f"the run did not keep the list of mirrors {path}")
        return addresses_in(mirrors[path])
    for start, scheme in (("mirror+", ""), ("mirror://", "http://")):
        if uri.startswith(start) and (scheme or uri.removeprefix(start).startswith(WEB)):
            text = get.fetch(scheme + uri.removeprefix(start), LARGEST_LIST_BYTES)
            return addresses_in(text.decode(errors="replace").splitlines())
    raise ArchiveError(f"{uri} is nothing that this computer can fetch from")


def addresses_in(lines: Sequence[str]) -> list[str]:
    """Return the addresses in a list of mirrors, each the first word of a line."""
    words = [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]
    return [word.rstrip("/") for word in words if word.startswith(WEB)]


def folders_of(source: Source, release: Release, faults: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each component with a folder of an index; "" is the one of a flat archive."""
    if source.is_flat:
        yield "", ""
        return
    for component in source.components:
        yield from ((component, folder) for folder in index_folders(source, release, component))
    if not source.components:
        faults.append(f"{source} names no component")


def ask_index(
    source: Source, release: Release, place: tuple[str, str], question: Question, get: Downloads
) -> tuple[Index, list[Available] | str]:
    """Return one index with what it has of the packages, or with the reason why not."""
    component, folder = place
    architecture = folder.rpartition("-")[2]
    index = describe_index(release, source.suite, component, architecture, question.pins)
    try:
        content = fetch_index(source, release, folder, get)
        return index, list(read_index(content, question.names))
    except ArchiveError as error:
        return index, str(error)
