"""Which Python packages a bake of today would install otherwise, asked of the package index."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from notebake.commands import papermill
from notebake.commands.software import requested_packages
from notebake.images.updates.composing import finding_of, sentence
from notebake.images.updates.finding import CauseFinding, Change
from notebake.images.updates.resolution.cooldown import resolve_cooled
from notebake.images.updates.resolution.image_python import (
    ResolutionError,
    find_lock,
    read_python,
)
from notebake.images.updates.resolution.pins import (
    changes_between,
    named_packages,
    read_pins,
)
from notebake.images.updates.resolution.source_only import find_source_only
from notebake.images.updates.resolution.uv_program import Question, index_name
from notebake.recipe import Software
from notebake.recipe.requirements import requirements_for_uv

NO_EXCEPTIONS: Mapping[str, datetime] = {}


@dataclass(frozen=True)
class Environment:
    """One of the image's Python environments, and what it was asked to hold."""

    name: str
    """For a reader, if it is not the environment that users work in."""
    lock: str
    python: str
    """Of which of the image's Pythons it is made."""
    texts: tuple[str, ...]


@dataclass
class Compared:
    """What differs in one environment, and what of it could not be found."""

    changes: list[tuple[bool, Change]] = field(default_factory=list)
    """Each with whether the recipe or notebake itself asks for the package."""
    held_back: list[Change] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    how: str = ""


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


def environments_of(software: Software) -> list[Environment]:
    """Return the environments that a bake makes, with what each is made of."""
    requirements = requirements_for_uv(software.requirements or "")
    own = "\n".join(requested_packages(software)) + "\n"
    tools = "\n".join(papermill.PACKAGES) + "\n"
    return [
        Environment("", "requirements.txt", "environment", (requirements, own)),
        Environment("papermill's environment", papermill.LOCK_FILE, "system", (tools,)),
    ]


def compare_environment(
    environment: Environment,
    locks: Mapping[str, bytes],
    exclude_newer: datetime | None,
    exceptions: Mapping[str, datetime],
) -> Compared:
    """Return what uv would install otherwise in one environment."""
    compared, place = Compared(), f"{environment.name or 'the image'}: "
    try:
        lock = find_lock(locks, environment.lock)
        if lock is None:
            raise ResolutionError(f"the run kept no {environment.lock}")
        python = read_python(locks, environment.python)
        question = Question(environment.texts, python, exclude_newer, exceptions)
        installed = read_pins(lock)
        cooled = resolve_cooled(question, installed)
    except ResolutionError as error:
        compared.faults.append(place + str(error))
        return compared
    unsure = find_source_only(cooled.question, cooled.resolution)
    compared.faults += [place + reason for reason in unsure.values()]
    asked = set[str]().union(*map(named_packages, environment.texts))
    for change in changes_between(installed, cooled.resolution.pins):
        name = change.name
        if name not in unsure:
            has = installed.get(name) or cooled.resolution.pins[name]
            named = change.model_copy(update={"detail": environment.name})
            compared.changes.append((name in asked or bool(has.url), named))
    compared.held_back += cooled.held_back
    compared.how = (
        f"What uv resolves for Python {python.version} on {python.platform}, from"
        f" {index_name(question)}, was compared with {environment.lock} ({len(installed)}"
        " packages)."
    )
    return compared
