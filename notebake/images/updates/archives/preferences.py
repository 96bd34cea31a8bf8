"""apt's preferences: which priority a version has (apt_preferences(5)).

The rules are those of apt-pkg/policy.cc and versionmatch.cc in apt 2.6: the first fitting pin of a
package decides, and for all others the first fitting pin of the index.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from debian.deb822 import Deb822

from notebake.images.updates.archives.source import ArchiveError, split_stanzas

USUAL, INSTALLED, NEVER = 500, 100, -32768
BUT_AUTOMATIC_UPGRADES, NOT_AUTOMATIC, PREFERRED = 100, 1, 990
KEYS = {
    "a": "suite",
    "n": "codename",
    "o": "origin",
    "l": "label",
    "v": "version",
    "c": "component",
    "b": "architecture",
}


@dataclass(frozen=True)
class Pin:
    """One stanza of the preferences, for one of the packages that it names."""

    package: str
    """A name, a pattern, `src:` and a name; "*": every package that no other pin fits."""
    kind: str
    """`release`, `origin` or `version`."""
    match: str
    priority: int

    def fits_index(self, index: Mapping[str, str]) -> bool:
        """Return whether it is for an index: its release's fields, component, and site."""
        if self.kind == "origin":
            return fits(self.match.strip('"'), index["site"])
        if self.kind != "release":
            return False
        parts = [part.strip() for part in self.match.split(",") if part.strip()]
        return bool(parts) and all(fits_release(part, index) for part in parts)

    def fits_version(self, version: str, indexes: Sequence[Mapping[str, str]]) -> bool:
        """Return whether it is for a version that these indexes have."""
        if self.kind == "version":
            return fits(self.match, version)
        return any(map(self.fits_index, indexes))

    def fits_package(self, name: str, source: str, architecture: str, *, native: bool) -> bool:
        """Return whether it is for a package; without an architecture it is for the native one."""
        wanted, of_source = self.package.removeprefix("src:"), self.package.startswith("src:")
        wanted, colon, named = wanted.rpartition(":") if ":" in wanted else (wanted, "", "")
        if (colon and named not in ("any", architecture)) or (not colon and not native):
            return False
        return fits(wanted, source if of_source else name)


def read_preferences(files: Mapping[str, Sequence[str]], preferred: str = "") -> Iterator[Pin]:
    """Yield the pins of apt's files in their order; `preferred` is APT::Default-Release."""
    if preferred:
        yield Pin("*", "release", preferred, PREFERRED)
    for lines in files.values():
        for stanza in split_stanzas(lines):
            fields = {name.lower(): value for name, value in Deb822(stanza).items()}
            kind, _, match = fields.get("pin", "").strip().partition(" ")
            for name in fields.get("package", "").split():
                priority = fields.get("pin-priority", "0").strip()
                if not re.fullmatch(r"never|[+-]?\d+", priority):
                    raise ArchiveError(f"apt's preferences: {priority[:20]!r} is no priority")
                value = NEVER if priority == "never" else int(priority)
                yield Pin(name, kind.lower(), match.strip(), value)


def fits(pattern: str, text: str) -> bool:
    """Return whether a text fits a name, a pattern of the shell, or a regular expression in //."""
    if len(pattern) > 1 and pattern.startswith("/") and pattern.endswith("/"):
        return re.search(pattern[1:-1], text, re.IGNORECASE) is not None
    return pattern == text or fnmatchcase(text, pattern)


def fits_release(part: str, index: Mapping[str, str]) -> bool:
    """Return whether one part of `Pin: release` is for an index."""
    key, equals, value = part.partition("=")
    if equals:
        return key in KEYS and fits(value.strip('"'), index[KEYS[key]])
    names = ("version",) if part[:1].isdigit() else ("suite", "codename")
    return any(fits(part, index[name]) for name in names)


def index_priority(
    index: Mapping[str, str], pins: Sequence[Pin], *, automatic: bool, upgrades: bool
) -> int:
    """Return the priority of an index, for packages without a pin of their own.

    The first fitting pin decides, but no pin stands above `never`.
    """
    fitting = [pin.priority for pin in pins if pin.package == "*" and pin.fits_index(index)]
    if fitting:
        return NEVER if NEVER in fitting else fitting[0]
    return USUAL if automatic else BUT_AUTOMATIC_UPGRADES if upgrades else NOT_AUTOMATIC


def site_of(uri: str) -> str:
    """Return what `Pin: origin` compares: the host of an address."""
    return urlsplit(uri).hostname or ""
