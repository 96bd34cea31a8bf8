"""Which Python packages a bake of today would install otherwise, asked of the package index."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from notebake.images.updates.composing import finding_of, sentence
from notebake.images.updates.finding import CauseFinding, Change
from notebake.images.updates.resolution.environments import (
    compare_conda,
    compare_environment,
    environments_of,
)
from notebake.recipe import Software

NO_EXCEPTIONS: Mapping[str, datetime] = {}


@dataclass(frozen=True)
class PythonPackages:
    """The findings, and the updates that are not old enough yet."""

    direct: CauseFinding
    transitive: CauseFinding
    held_back: tuple[Change, ...] = ()


def check_python_packages(
    software: Software, locks: Mapping[str, bytes], *, exclude_newer: datetime | None = None
) -> tuple[CauseFinding, CauseFinding]:
    """Return the findings for `direct` and `transitive`.

    `locks` are the lock files of the run by name, as in the run store (`locks/requirements.txt`).
    Files that were uploaded after `exclude_newer` are as good as not there.
    """
    found = ask_python_packages(software, locks, exclude_newer=exclude_newer)
    return found.direct, found.transitive


def ask_python_packages(
    software: Software,
    locks: Mapping[str, bytes],
    *,
    exclude_newer: datetime | None = None,
    exceptions: Mapping[str, datetime] = NO_EXCEPTIONS,
) -> PythonPackages:
    """Return these findings with what is held back; `exceptions` are dates of single packages."""
    environments = environments_of(software)
    with ThreadPoolExecutor(len(environments), thread_name_prefix="environment") as pool:
        compared = list(
            pool.map(
                lambda each: compare_environment(each, locks, exclude_newer, exceptions),
                environments,
            )
        )
    if software.manager == "conda":
        compared.append(compare_conda(software, locks, exclude_newer))
    faults = [sentence(fault) for each in compared for fault in each.faults]
    how = " ".join(each.how for each in compared if each.how)
    direct, transitive = (
        [change for each in compared for is_asked, change in each.changes if is_asked is wanted]
        for wanted in (True, False)
    )
    return PythonPackages(
        finding_of("direct", direct, faults, how),
        finding_of("transitive", transitive, faults, how),
        tuple(change for each in compared for change in each.held_back),
    )
