"""The versions of packages in a lock file."""

import re

# name==version (pip), name=version (apt), URL/name-version-build.conda (conda's explicit list)
REQUIREMENT = re.compile(r"(?P<name>[\w.+-]+)={1,2}(?P<version>[^\s;=]+)")
CONDA = re.compile(
    r"\S+/(?P<name>[^/\s]+)-(?P<version>[^-/\s]+)-[^-/\s]+\.(?:conda|tar\.bz2)(?:#\S*)?"
)


def package_versions(lock: str) -> dict[str, str]:
    """Return the version of each package in a lock file, by its name."""
    lines = map(str.strip, lock.splitlines())
    found = (CONDA.match(line) or REQUIREMENT.match(line) for line in lines)
    return {each["name"]: each["version"] for each in found if each}
