"""Advice in a few words, for a terminal and for a flow's artifact."""

from notebake.humanize import pluralize
from notebake.images.updates.advice.advice import Advice, Vulnerability

Package = tuple[str, str]
"""A package's name and version."""


def count_known(advice: Advice) -> str:
    """Return how many vulnerabilities are known; where nobody was asked, that."""
    if advice.state == "not asked":
        return advice.state
    return f"{len(advice.findings)} known" if advice.findings else "none known"


def describe_source(advice: Advice) -> str:
    """Return of which packages it speaks, of whom it was asked, and of when the data are."""
    affected, asked = len(by_package(advice)), pluralize(advice.packages, "package")
    of = f"in {affected} of {asked}" if affected else f"in {asked}"
    dated = f"{advice.data_of:%Y-%m-%d %H:%M} UTC" if advice.data_of else "an unknown date"
    return f"{of}, by data of {dated}: {advice.source}"


def by_package(advice: Advice) -> dict[Package, list[Vulnerability]]:
    """Return the findings by package, in their order."""
    found: dict[Package, list[Vulnerability]] = {}
    for each in advice.findings:
        found.setdefault((each.package, each.version), []).append(each)
    return found
