"""Finds packages that no Linux machine can install, by their names."""

import re

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FOREIGN = re.compile(
    r"pywin32|pywinpty|pypiwin32|windows-curses|python-magic-bin|pyobjc(-.*)?"
    r"|tensorflow-(intel|macos|metal)"
)
"""Packages without a file for Linux, or that need another one of these."""
OF_ANOTHER_SYSTEM = "is for another system than the machine's Linux; remove the line"
LINUX = {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux", "extra": ""}
MACHINES = ("x86_64", "aarch64")


def find_name_fault(requirement: Requirement) -> str | None:
    """Return why a package cannot be installed whatever its version, and what to write."""
    name = canonicalize_name(requirement.name)
    fault = _fault_of(name, requirement)
    return fault if fault and is_wanted_on_linux(requirement.marker) else None


def _fault_of(name: str, requirement: Requirement) -> str | None:
    if FOREIGN.fullmatch(name):
        return f"{name} {OF_ANOTHER_SYSTEM}"
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


def is_wanted_on_linux(marker: Marker | None) -> bool:
    """Return whether a machine of some architecture wants it; what cannot be told is wanted."""
    return marker is None or any(
        holds(marker, {**LINUX, "platform_machine": machine}) for machine in MACHINES
    )


def holds(marker: Marker, environment: dict[str, str]) -> bool:
    """Return whether a condition holds; one that cannot be judged does."""
    try:
        return marker.evaluate(environment)
    except (UndefinedComparison, UndefinedEnvironmentName):
        return True
