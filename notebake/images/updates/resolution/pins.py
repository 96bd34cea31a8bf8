"""Pinned packages: what a lock file says is installed, and what uv would install."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from notebake.images.updates.finding import Change
from notebake.images.updates.resolution.image_python import ResolutionError
from notebake.recipe.requirement_options import OptionError, read_line
from notebake.recipe.requirement_text import logical_lines

LOGIN = re.compile(r"(?<=://)[^/@\s]*@")
COMMIT = re.compile(r"@(?P<commit>[^@/#]+)(?:#.*)?$")
HASH = re.compile(r"[#&](?:sha\d+|md5)=\w+")


@dataclass(frozen=True)
class Pinned:
    """A package at one version, or from one address."""

    name: str
    """As indexes compare names (PEP 503)."""
    version: str
    url: str = ""
    """Where it is from, if not from an index; then the version is not known."""

    @property
    def shown(self) -> str:
        """Its version; of an address the commit, or else all of it."""
        commit = COMMIT.search(self.url) if self.url.startswith("git+") else None
        return commit["commit"] if commit else self.url or self.version

    def is_same(self, other: "Pinned") -> bool:
        """Return whether both are the same, however they are written."""
        if self.url or other.url:
            return self.url == other.url
        return compare(self.version, other.version) == 0


def compare(left: str, right: str) -> int:
    """Return -1, 0 or 1 for the order of two versions; what is none is only the same or higher."""
    try:
        one, two = Version(left), Version(right)
    except InvalidVersion:
        return 0 if left == right else 1
    return (one > two) - (one < two)


def read_pins(text: str, name: str) -> dict[str, Pinned]:
    """Return the packages in a lock file; order, case, hashes and comments do not count.

    Raises:
        ResolutionError: a line is neither a package nor an option.
    """
    return {pinned.name: pinned for pinned in pins_of(text, name)}


def pins_of(text: str, name: str) -> Iterator[Pinned]:
    """Yield the package of each line."""
    for number, line in logical_lines(text):
        try:
            requirement = requirement_of(line)
        except (InvalidRequirement, OptionError):
            raise ResolutionError(f"{name}, line {number}, names no package") from None
        if requirement is None:
            continue
        project = canonicalize_name(requirement.name)
        exact = [each for each in requirement.specifier if each.operator in ("==", "===")]
        if requirement.url:
            yield Pinned(project, "", HASH.sub("", LOGIN.sub("", requirement.url)))
        elif exact:
            yield Pinned(project, exact[0].version)


def requirement_of(line: str) -> Requirement | None:
    """Return the requirement of a line; None if it has only options, or is empty."""
    text = read_line(line).requirement
    return Requirement(text) if text else None


def changes_between(old: Mapping[str, Pinned], new: Mapping[str, Pinned]) -> Iterator[Change]:
    """Yield what differs between two environments, by name."""
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before and after and before.is_same(after):
            continue
        yield Change(
            name=name,
            old=before.shown if before else None,
            new=after.shown if after else None,
        )


def named_packages(text: str) -> set[str]:
    """Return the names of the packages that requirements name; an address alone has none."""
    found = set[str]()
    for _, line in logical_lines(text):
        try:
            requirement = requirement_of(line)
        except (InvalidRequirement, OptionError):
            continue
        if requirement:
            found.add(canonicalize_name(requirement.name))
    return found
