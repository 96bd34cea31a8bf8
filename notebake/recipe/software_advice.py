"""Advice for a failed installation by uv: which pin to change, and the alternatives."""

import re

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from notebake.recipe import Software
from notebake.recipe.requirement_text import logical_lines

# uv 0.13, as tried.
NOT_BUILT = re.compile(r"Failed to (?:download and )?build `(?P<name>[\w.-]+)==(?P<version>[^`]+)`")
NO_SOLUTION = re.compile(r"No solution found when resolving")
NO_WHEEL = re.compile(
    r"no wheels with a matching Python|requested Python version|depends on Python"
)
PYTHON = re.compile(r"Using (?:CPython|Python) (?P<version>\d+\.\d+)")
OLD_PYTHON = "3.8"
WAYS_OUT = (
    f'or take manager: conda with python: "{OLD_PYTHON}", whose channel has old versions ready made'
)


def advise(printed: str, software: Software) -> str:
    """Return what to change in the recipe so that uv can install it, or "" if that is unknown."""
    python = PYTHON.search(printed)
    here = f"Python {python['version']}" if python else "the machine's Python"
    way_out = f", {WAYS_OUT}" if software.manager == "pip" else ", or install it with conda"
    if found := list(NOT_BUILT.finditer(printed)):
        name, version = found[-1]["name"], found[-1]["version"]
        line = line_of(name, software)
        return (
            f"There is no wheel of {name} {version} for {here}, and it could not be built from its"
            f" source. Loosen the pin{line}{way_out}."
        )
    if NO_SOLUTION.search(printed):
        of_python = f" They require another Python than {here}." if NO_WHEEL.search(printed) else ""
        return f"Loosen one of the named pins{way_out}.{of_python}"
    return ""


def line_of(name: str, software: Software) -> str:
    """Return the line of the recipe's requirements that names a package, for people."""
    if software.manager == "pip":
        for number, line in logical_lines(software.requirements or ""):
            if is_named(line, name):
                return f" in line {number} of the requirements"
    for package in (*software.packages, *software.pip):
        if is_named(package, name):
            return f" {package}"
    return " of what needs it"


def is_named(line: str, name: str) -> bool:
    """Return whether a requirement is for this package."""
    try:
        found = Requirement(line.partition(" --")[0]).name
    except InvalidRequirement:
        return False
    return canonicalize_name(found) == canonicalize_name(name)
