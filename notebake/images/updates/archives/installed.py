"""The packages of an image, as its run has recorded them, and what apt would make of them today."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from debian.debian_support import Version

from notebake.images.updates.archives.ask import Answer
from notebake.images.updates.archives.candidate import (
    Index,
    Installed,
    Update,
    collect_offers,
    find_update,
)
from notebake.images.updates.archives.index import Available
from notebake.images.updates.archives.preferences import Pin
from notebake.images.updates.archives.source import ArchiveError


def read_record(content: bytes | None, name: str) -> dict[str, Any]:
    """Return the content of a lock file of apt; ArchiveError if the run has no usable one."""
    if not content:
        raise ArchiveError(f"the run kept no {name}")
    try:
        found = json.loads(content)
    except ValueError as error:
        raise ArchiveError(f"{name} of the run cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise ArchiveError(f"{name} of the run is not what notebake writes")
    return found


def read_installed(record: Mapping[str, Any]) -> list[Installed]:
    """Return the installed packages in the record, by name; ArchiveError if it has none."""
    try:
        found = sorted(installed_packages(record), key=lambda each: (each.name, each.architecture))
    except (KeyError, TypeError, ValueError) as error:
        raise ArchiveError(f"apt-packages.json is not what notebake writes: {error!r}") from None
    if not found:
        raise ArchiveError(f"the run listed no package: {record.get('notes')}")
    return found


def installed_packages(record: Mapping[str, Any]) -> Iterator[Installed]:
    """Yield the installed packages in the record."""
    native = record["architecture"]
    for each in record["packages"]:
        architecture = native if each["architecture"] == "all" else each["architecture"]
        yield Installed(
            name=each["name"],
            version=Version(each["version"]),
            architecture=architecture,
            source=each["source"],
            is_native=architecture == native,
            is_on_hold=bool(each.get("hold")),
        )


def find_updates(
    installed: Iterable[Installed], answers: Iterable[Answer], native: str, pins: Sequence[Pin]
) -> list[Update]:
    """Return the update of each package that has one."""
    found: dict[tuple[str, str], list[tuple[Index, Available]]] = defaultdict(list)
    for answer in answers:
        for index, available in answer.found:
            architecture = native if available.architecture == "all" else available.architecture
            found[available.name, architecture].append((index, available))
    offers = {key: collect_offers(versions) for key, versions in found.items()}
    updates = (
        find_update(each, offers.get((each.name, each.architecture), []), pins)
        for each in installed
    )
    return [update for update in updates if update]
