"""The versions of packages in lock files."""

import re
from collections.abc import Iterable

# name==version (pip), name=version (apt), URL/name-version-build.conda (conda's explicit list)
REQUIREMENT = re.compile(r"(?P<name>[\w.+-]+)={1,2}(?P<version>[^\s;=]+)")
CONDA = re.compile(
    r"\S+/(?P<name>[^/\s]+)-(?P<version>[^-/\s]+)-[^-/\s]+\.(?:conda|tar\.bz2)(?:#\S*)?"
)


def package_versions(locks: Iterable[str]) -> dict[str, str]:
    """Return the version of each package in lock files, by its name."""
    lines = (line.strip() for lock in locks for line in lock.splitlines())
    found = (CONDA.match(line) or REQUIREMENT.match(line) for line in lines)
    return {each["name"]: each["version"] for each in found if each}
