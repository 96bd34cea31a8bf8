"""Which pinned packages have a wheel for a base image's Python, by the files of an index."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from notebake.recipe import Software
from notebake.recipe.requirement_options import read_line
from notebake.recipe.requirement_text import logical_lines

RELEASES = (
    # A pattern in the image's name, its python3, its glibc 2.x: packages.ubuntu.com,
    # packages.debian.org, and Amazon Linux 2023's list of packages.
    (re.compile(r"ubuntu.*(noble|24\.04)"), (3, 12), 39),
    (re.compile(r"ubuntu.*(jammy|22\.04)"), (3, 10), 35),
    (re.compile(r"debian-13"), (3, 13), 41),
    (re.compile(r"debian-12"), (3, 11), 36),
    (re.compile(r"al2023"), (3, 9), 34),
)
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}


@dataclass(frozen=True)
class Python:
    """The Python of a base image."""

    version: tuple[int, int]
    glibc: int
    machine: str

    def __str__(self) -> str:
        return ".".join(map(str, self.version))

    @cached_property
    def tags(self) -> frozenset[Tag]:
        """The tags of compatible wheels (packaging's "Platform compatibility tags")."""
        platforms = [f"manylinux_2_{n}_{self.machine}" for n in range(self.glibc, 4, -1)]
        platforms += [f"manylinux{policy}_{self.machine}" for policy in ("2014", "2010", "1")]
        platforms.append(f"linux_{self.machine}")
        found = cpython_tags(self.version, platforms=platforms)
        return frozenset((*found, *compatible_tags(self.version, platforms=platforms)))

    @property
    def environment(self) -> dict[str, str]:
        return {
            "implementation_name": "cpython",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"{self}.0",
            "python_version": str(self),
            "sys_platform": "linux",
            "extra": "",
        }


@dataclass(frozen=True)
class Pin:
    """A requirement of exactly one version."""

    requirement: Requirement
    version: Version
    line: int
    """Its line in the requirements, or 0 for one of the recipe's own packages."""

    def __str__(self) -> str:
        where = f" (line {self.line})" if self.line else ""
        return f"{self.requirement.name}=={self.version}{where}"

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    def is_for(self, python: Python) -> bool:
        marker = self.requirement.marker
        return marker is None or marker.evaluate(python.environment)


@dataclass(frozen=True)
class File:
    """A file of a package in an index."""

    version: Version
    tags: frozenset[Tag]
    """The wheel's tags; empty for a source distribution."""
    needs_python: SpecifierSet


def find_pins(software: Software) -> list[Pin]:
    """Return the requirements that are pinned to one version."""
    lines = [(number, line) for number, line in logical_lines(software.requirements or "") if line]
    found = [pin_of(read_line(line).requirement, number) for number, line in lines]
    found += [pin_of(package, 0) for package in software.packages]
    return [pin for pin in found if pin]


def pin_of(text: str, line: int) -> Pin | None:
    """Return the requirement as a pin, or None if it is not one."""
    try:
        requirement = Requirement(text)
        (only,) = requirement.specifier
        if requirement.url or only.operator not in {"==", "==="} or only.version.endswith(".*"):
            return None
        return Pin(requirement, Version(only.version), line)
    except (InvalidRequirement, InvalidVersion, ValueError):
        return None


def python_of(image_name: str, architecture: str) -> Python | None:
    """Return the Python of a base image by the image's name, or None if it is unknown."""
    machine = MACHINES.get(architecture)
    for pattern, version, glibc in RELEASES:
        if machine and pattern.search(image_name.lower()):
            return Python(version, glibc, machine)
    return None


def parse_files(answer: dict[str, Any]) -> list[File]:
    """Return the files in an index's response; ValueError for any other response."""
    try:
        return [file for each in answer["files"] for file in _parse_file(each)]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("the response lists no files") from error


def _parse_file(file: dict[str, Any]) -> Iterator[File]:
    """Yield a file, unless pip does not know its kind either."""
    try:
        needs = SpecifierSet(file.get("requires-python") or "")
    except InvalidSpecifier:
        needs = SpecifierSet()
    try:
        if file["filename"].endswith(".whl"):
            _, version, _, tags = parse_wheel_filename(file["filename"])
            yield File(version, tags, needs)
        else:
            yield File(parse_sdist_filename(file["filename"])[1], frozenset(), needs)
    except (InvalidSdistFilename, InvalidWheelFilename, InvalidVersion):
        return


def find_wheel_problem(pin: Pin, python: Python, files: Sequence[File]) -> str | None:
    """Return why a pin may fail to install, or None.

    Packages without any wheel are built from source, which works for pure Python.
    """
    if not files:
        return "the index has no file of it"
    of_version = [file for file in files if file.version == pin.version]
    if not of_version:
        return f"the index has no version {pin.version} of it"
    compatible = [file for file in of_version if file.needs_python.contains(f"{python}.0")]
    if not compatible:
        return f"it requires Python {of_version[0].needs_python}"
    wheels = [file for file in of_version if file.tags]
    if not wheels or any(file.tags & python.tags for file in compatible):
        return None
    if any(not file.tags for file in compatible):
        return (
            "there is no wheel of it, so uv would build it from source, which needs a compiler and"
            " rarely works for such an old version"
        )
    return "there is no wheel of it, and no source to build it from"
