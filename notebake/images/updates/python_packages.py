"""Which Python packages a bake of today would install otherwise, asked of the package index."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from notebake.images.updates.composing import finding_of, sentence
from notebake.images.updates.finding import Cause, CauseFinding, Change
from notebake.images.updates.resolution.environments import (
    compare_conda,
    compare_environment,
    environments_of,
)
from notebake.recipe import Software

BY_ASKED: Mapping[Cause, bool] = {"direct": True, "transitive": False}
NO_EXCEPTIONS: Mapping[str, datetime] = {}


@dataclass(frozen=True)
class PythonPackages:
    """The findings; both have the updates that are not old enough yet."""

    direct: CauseFinding
    transitive: CauseFinding

    @property
    def held_back(self) -> tuple[Change, ...]:
        return (*self.direct.held_back, *self.transitive.held_back)


def check_python_packages(
    software: Software,
    locks: Mapping[str, bytes],
    *,
    exclude_newer: datetime | None = None,
    exceptions: Mapping[str, datetime] = NO_EXCEPTIONS,
) -> tuple[CauseFinding, CauseFinding]:
    """Return the findings for `direct` and `transitive`.

    `locks` are the lock files of the run by name, as in the run store (`locks/requirements.txt`).
    Files that were uploaded after `exclude_newer` are as good as not there; `exceptions` are other
    such dates of single packages.
    """
    found = ask_python_packages(software, locks, exclude_newer=exclude_newer, exceptions=exceptions)
    return found.direct, found.transitive


def ask_python_packages(
    software: Software,
    locks: Mapping[str, bytes],
    *,
    exclude_newer: datetime | None = None,
    exceptions: Mapping[str, datetime] = NO_EXCEPTIONS,
) -> PythonPackages:
    """Return these findings together."""
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
    changes = [pair for each in compared for pair in each.changes]
    held_back = [pair for each in compared for pair in each.held_back]
    direct, transitive = (
        finding_of(cause, _only(changes, asked=asked), faults, how).model_copy(
            update={"held_back": _only(held_back, asked=asked)}
        )
        for cause, asked in BY_ASKED.items()
    )
    return PythonPackages(direct, transitive)


def _only(pairs: list[tuple[bool, Change]], *, asked: bool) -> tuple[Change, ...]:
    """Return the changes of packages that are asked for by name, or of the others."""
    return tuple(change for is_asked, change in pairs if is_asked is asked)
