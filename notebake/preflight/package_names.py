"""Names of packages that no index has, each with its line and what to write."""

import difflib
import sys
from collections.abc import Iterator, Mapping, Sequence, Set

from packaging.utils import canonicalize_name

from notebake.humanize import pluralize
from notebake.notebook.advice import PACKAGES
from notebake.preflight.finding import Finding, good, not_checked, wrong
from notebake.preflight.index import Answer
from notebake.preflight.wanted_packages import WantedPackage

MODULES = {canonicalize_name(module): package for module, package in PACKAGES.items()}
KNOWN = frozenset(package.partition("<")[0] for package in PACKAGES.values())
NAMES_SHOWN = 5


def judge_names(
    packages: Sequence[WantedPackage],
    answers: Mapping[str, Answer],
    pinned: Set[str],
    *,
    hosts: str,
    is_certain: bool,
) -> Iterator[Finding]:
    """Yield a finding for each name that all indexes deny, and of those that are not pinned.

    Without certainty the machine may have them from elsewhere.
    """
    there = {package.name for package in packages if answers[package.name].has_it}
    silent: dict[str, list[str]] = {}
    for package in packages:
        answer, name = answers[package.name], package.requirement.name
        if answer.silence and package.name not in pinned:
            silent.setdefault(answer.silence, []).append(name)
        elif not answer.silence and not answer.has_it:
            sentence = f"{package.place}: {hosts} has no package {name}."
            hint = advise(name, there)
            yield wrong(sentence, hint) if is_certain else not_checked(sentence, hint)
    for reason, names in silent.items():
        yield not_checked(f"Whether there are packages {list_names(names)}: {reason}.")
    if there - pinned:
        count = pluralize(len(there - pinned), "package")
        yield good(f"{hosts} has {count} without a pinned version.")


def advise(name: str, there: Set[str]) -> str:
    """Return what to write for a name that no index has."""
    canonical = canonicalize_name(name)
    if name in sys.stdlib_module_names:
        return f"{name} is a module of Python itself: remove it."
    if canonical in MODULES:
        return f"{name} is the name of a module: write {MODULES[canonical]}."
    near = difflib.get_close_matches(canonical, sorted(KNOWN | there), n=1, cutoff=0.8)
    guess = f"Did you mean {near[0]}? " if near else ""
    return (
        f"{guess}Correct the name, or name the index that has it, by --extra-index-url in the"
        " requirements."
    )


def list_names(names: Sequence[str]) -> str:
    """Return the first names, for people."""
    return f"{', '.join(names[:NAMES_SHOWN])}{' …' if len(names) > NAMES_SHOWN else ''}"
