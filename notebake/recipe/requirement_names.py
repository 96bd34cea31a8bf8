"""Finds packages that no Linux machine can install, by their names."""

import re

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FOREIGN = re.compile(
    r"pywin32|pywinpty|pypiwin32|windows-curses|python-magic-bin|pyobjc(-.*)?"
    r"|tensorflow-(intel|macos|metal)"
)
"""Packages without a file for Linux, or that need another one of these."""
LINUX = {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux", "extra": ""}


def find_name_fault(requirement: Requirement) -> str | None:
    """Return why a package cannot be installed whatever its version, and what to write."""
    name = canonicalize_name(requirement.name)
    if not _is_wanted_on_linux(requirement.marker):
        return None
    if FOREIGN.fullmatch(name):
        return f"{name} is for another system than the machine's Linux; remove the line"
    if name == "python":
        return (
            "python is not a package of pip's index; remove the line (with manager: conda,"
            " software.python chooses the version)"
        )
    if name == "sklearn":
        return "sklearn cannot be installed; write scikit-learn"
    if name == "pkg-resources" and str(requirement.specifier) == "==0.0.0":
        return "is not a package, but what pip freeze writes on Ubuntu and Debian; remove the line"
    return None


def _is_wanted_on_linux(marker: Marker | None) -> bool:
    return marker is None or marker.evaluate(LINUX)
