"""The Python environments of an image, and what differs in each of them today."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from notebake.commands import papermill
from notebake.commands.software import requested_packages
from notebake.images.updates.finding import Change
from notebake.images.updates.resolution.conda_packages import find_conda_changes
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
from notebake.recipe.environment_nodes import read_environment
from notebake.recipe.requirements import requirements_for_uv

PAPERMILL = "papermill's environment"
NO_PIP_IN_CONDA = (
    "what pip adds to a conda environment depends on what is installed there, and is not resolved"
)
NO_DATES_IN_CONDA = "rattler is not asked for conda packages up to a date"


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
    held_back: list[tuple[bool, Change]] = field(default_factory=list)
    """In the same way."""
    faults: list[str] = field(default_factory=list)
    how: str = ""


def environments_of(software: Software) -> list[Environment]:
    """Return the environments that uv makes in a bake, with what each is made of."""
    tools = "\n".join(papermill.PACKAGES) + "\n"
    of_papermill = Environment(PAPERMILL, papermill.LOCK_FILE, "system", (tools,))
    if software.manager == "conda":
        return [of_papermill]
    requirements = requirements_for_uv(software.requirements or "")
    own = "\n".join(requested_packages(software)) + "\n"
    return [
        Environment("", "requirements.txt", "environment", (requirements, own)),
        of_papermill,
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
        installed = read_pins(lock, environment.lock)
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
    compared.held_back += [(each.name in asked, each) for each in cooled.held_back]
    compared.how = (
        f"What uv resolves for Python {python.version} on {python.platform}, from"
        f" {index_name(question)}, was compared with {environment.lock} ({len(installed)}"
        " packages)."
    )
    return compared


def compare_conda(
    software: Software, locks: Mapping[str, bytes], exclude_newer: datetime | None
) -> Compared:
    """Return what rattler would install otherwise in the image's conda environments."""
    compared = Compared()
    if software.pip or read_environment(software.requirements or "").pip:
        compared.faults.append(NO_PIP_IN_CONDA)
    if exclude_newer:
        compared.faults.append(NO_DATES_IN_CONDA)
        return compared
    try:
        compared.changes += find_conda_changes(software, locks)
        compared.how = (
            "What rattler resolves for a machine without a GPU, whatever the builder had, was"
            " compared with conda's explicit lists."
        )
    except ResolutionError as error:
        compared.faults.append(f"the image's conda environments: {error}")
    return compared
