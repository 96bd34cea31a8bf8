"""The packages that the machine asks an index of Python packages for, by the recipe's lines."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from notebake.preflight.wheels import Python
from notebake.recipe import Software
from notebake.recipe.environment_file import SPECIFICATION
from notebake.recipe.environment_nodes import (
    find_value,
    line_number,
    pip_entries_of,
    read_environment,
)
from notebake.recipe.requirement_line import EGG
from notebake.recipe.requirement_names import holds
from notebake.recipe.requirement_options import ReadLine, read_line
from notebake.recipe.requirement_text import logical_lines

ELSEWHERE = ("no_index", "find_links", "requirements", "constraints")
"""Options with which packages come from elsewhere, or other indexes are named elsewhere."""


@dataclass(frozen=True)
class WantedPackage:
    """A package without an address of its own."""

    place: str
    """Where the recipe names it, for people."""
    requirement: Requirement

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    def is_for(self, python: Python | None) -> bool:
        """Return whether the machine wants it; False if that depends on an unknown Python."""
        marker = self.requirement.marker
        return marker is None or (python is not None and holds(marker, python.environment))


@dataclass(frozen=True)
class WantedPackages:
    """All of them, and what the lines say of indexes."""

    packages: list[WantedPackage] = field(default_factory=list)
    index: str = ""
    """The index that replaces the machine's own."""
    more_indexes: tuple[str, ...] = ()
    only_indexes: bool = True
    """Whether an index is the only place that a package can come from."""


def read_wanted_packages(software: Software) -> WantedPackages:
    """Return what the machine will ask an index for; what has an address or is conda's is not."""
    lines = [(place, read_line(line)) for place, line in _lines(software) if line]
    lines += [(f"software.{part}", ReadLine(text, {})) for part, text in _own_lines(software)]
    packages, addressed = [], {canonicalize_name(name) for name in _names_of_conda(software)}
    for place, line in lines:
        requirement = _parse(line.requirement)
        if requirement and not requirement.url:
            packages.append(WantedPackage(place, requirement))
        elif requirement:
            addressed.add(canonicalize_name(requirement.name))
        else:
            texts = (line.requirement, *line.options.get("editables", ()))
            addressed |= {canonicalize_name(name) for text in texts for name in _names_in(text)}
    options = [option for _, line in lines for option in line.options.items()]
    indexes = [url for name, urls in options if name == "index_urls" for url in urls]
    more = [url for name, urls in options if name == "extra_index_urls" for url in urls]
    return WantedPackages(
        packages=[package for package in packages if package.name not in addressed],
        index=indexes[0] if indexes else "",
        more_indexes=tuple(dict.fromkeys(more)),
        only_indexes=not any(name in ELSEWHERE for name, _ in options),
    )


def _lines(software: Software) -> Iterator[tuple[str, str]]:
    """Yield what pip's format is written in, each line with its place."""
    text = software.requirements or ""
    if software.manager == "pip":
        for number, line in logical_lines(text):
            yield f"requirements.txt, line {number}", line
    elif text.strip():
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        for entry, line in pip_entries_of(find_value(root, "dependencies")):
            yield f"environment.yml, line {line_number(entry)}", line


def _names_of_conda(software: Software) -> Iterator[str]:
    """Yield the names that conda has installed before uv is asked for any."""
    if software.manager == "conda":
        for spec in (*read_environment(software.requirements or "").specs, *software.packages):
            if found := SPECIFICATION.fullmatch(spec):
                yield found["name"]


def _own_lines(software: Software) -> Iterator[tuple[str, str]]:
    part = "packages" if software.manager == "pip" else "pip"
    for package in getattr(software, part):
        yield part, package


def _parse(text: str) -> Requirement | None:
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def _names_in(address: str) -> Iterator[str]:
    """Yield the names that a package without a name in its line may have, by its address."""
    if egg := EGG.search(address):
        yield egg["egg"].partition("[")[0]
    last = address.partition("#")[0].rstrip("/").rpartition("/")[2]
    yield last.partition("@")[0].removesuffix(".git").partition("-")[0]
    yield last.partition("@")[0].removesuffix(".git")
