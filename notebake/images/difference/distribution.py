"""Which of the distribution's packages differ between two images, and which for security."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from debian.debian_support import Version

from notebake.errors import NotebakeError
from notebake.images.difference.kept_finding import kept_finding
from notebake.images.updates.archives.candidate import is_security_suite
from notebake.images.updates.archives.installed import read_record
from notebake.images.updates.archives.source import ArchiveError
from notebake.images.updates.composing import sentence
from notebake.images.updates.finding import CauseFinding, Change
from notebake.images.updates.installed_packages import APT_PACKAGES
from notebake.images.updates.kept_run import KeptRun

BYTES_PER_KIB = 1024
OLDER = "older"
Key = tuple[str, str]
"""Name and architecture of a package."""


@dataclass(frozen=True)
class SystemPackage:
    """A package of the distribution, as a run has kept it."""

    name: str
    """With its architecture, if that is not the image's own."""
    version: str
    bytes_installed: int | None
    """By dpkg's Installed-Size; None if it was not kept."""
    suites: tuple[str, ...]
    """Those that had this version when the image was made."""
    is_from_security: bool


def compare_distribution(before: KeptRun, after: KeptRun) -> tuple[CauseFinding, ...]:
    """Return the findings for `security` and `system`; the recipe's own packages come first.

    Raises:
        NotebakeError: a list is not there, or not what notebake writes.
    """
    old, new = read_packages(before), read_packages(after)
    named = {str(name) for run in (before, after) for name in _asked(run)}
    found: dict[bool, list[Change]] = {True: [], False: []}
    for key in sorted(old.keys() | new.keys(), key=lambda key: (key[0] not in named, key)):
        has, had = new.get(key), old.get(key)
        if has is None or had is None or has.version != had.version:
            is_newer = has and had and Version(has.version) > Version(had.version)
            is_security = is_newer and has and has.is_from_security
            found[bool(is_security)].append(_change(key, had, has))
    return (
        kept_finding("security", found[True], ()),
        kept_finding("system", found[False], ()),
    )


def read_packages(run: KeptRun) -> dict[Key, SystemPackage]:
    """Return the packages of an image.

    Raises:
        NotebakeError: the list is not there, or not what notebake writes.
    """
    content, missing = run.read_file(APT_PACKAGES)
    if content is None:
        raise NotebakeError(f"{missing}.")
    try:
        record = read_record(content, f"apt-packages.json of run {run.run_id}")
        return dict(_packages(record))
    except (ArchiveError, KeyError, TypeError, ValueError, IndexError) as error:
        reason = error if isinstance(error, ArchiveError) else "cannot be read"
        raise NotebakeError(sentence(f"{APT_PACKAGES} of run {run.run_id}: {reason}")) from error


def _packages(record: Mapping[str, Any]) -> Iterator[tuple[Key, SystemPackage]]:
    native, indexes = record["architecture"], record.get("indexes") or ()
    for each in record["packages"]:
        own = each["architecture"] in ("all", native)
        found = [indexes[position] for position in each.get("indexes") or ()]
        size = each.get("installed_kib")
        yield (
            (each["name"], native if own else each["architecture"]),
            SystemPackage(
                name=each["name"] if own else f"{each['name']}:{each['architecture']}",
                version=each["version"],
                bytes_installed=None if size is None else int(size) * BYTES_PER_KIB,
                suites=tuple(dict.fromkeys(index["suite"] for index in found)),
                is_from_security=any(is_security_suite(index["suite"], index) for index in found),
            ),
        )


def _change(key: Key, old: SystemPackage | None, new: SystemPackage | None) -> Change:
    """Return a change, with the suites that have the new version and the size that it adds."""
    sizes = [each.bytes_installed if each else 0 for each in (old, new)]
    is_older = old and new and Version(new.version) < Version(old.version)
    words = [*([OLDER] if is_older else []), *(new.suites if new else ())]
    return Change(
        name=next((each.name for each in (new, old) if each), key[0]),
        old=old.version if old else None,
        new=new.version if new else None,
        detail=", ".join(words),
        added_bytes=None if None in sizes else (sizes[1] or 0) - (sizes[0] or 0),
    )


def _asked(run: KeptRun) -> list[str]:
    return list((run.summary.recipe.get("software") or {}).get("apt") or ())
