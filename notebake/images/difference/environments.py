"""Which Python and conda packages differ between two images, and which of them were asked for."""

from collections.abc import Iterator, Mapping, Sequence

from packaging.utils import canonicalize_name

from notebake.errors import NotebakeError
from notebake.images.difference.kept_finding import kept_finding
from notebake.images.updates.composing import sentence
from notebake.images.updates.finding import CauseFinding, Change
from notebake.images.updates.kept_run import KeptRun
from notebake.images.updates.resolution.conda_packages import (
    LOCKS,
    SPEC_NAME,
    change_of,
    read_lock,
    specs_of,
)
from notebake.images.updates.resolution.environments import Environment, environments_of
from notebake.images.updates.resolution.image_python import ResolutionError, find_lock
from notebake.images.updates.resolution.pins import (
    Pinned,
    changes_between,
    compare,
    named_packages,
    read_pins,
)
from notebake.recipe import Software

Locks = Mapping[str, bytes]
Sides = Sequence[tuple[KeptRun, Software, Locks]]
OLDER = "older"
OF_APT = "locks/apt"


def compare_environments(before: KeptRun, after: KeptRun) -> tuple[CauseFinding, ...]:
    """Return the findings for `direct` and `transitive`.

    Raises:
        NotebakeError: a kept recipe or list is gone, or was changed.
    """
    sides = [(run, run.read_recipe().software, _read_locks(run)) for run in (before, after)]
    found: list[tuple[bool, Change]] = []
    faults: list[str] = []
    names = {each.lock: each for _, software, _ in sides for each in environments_of(software)}
    conda_names: frozenset[str] = frozenset()
    if all(software.manager == "conda" for _, software, _ in sides):
        conda_names = _compare_conda(sides, found, faults)
    elif any(software.manager == "conda" for _, software, _ in sides):
        faults.append("Only one of the images has conda: its packages were not compared.")
    environments = [*names.values()]
    if "requirements.txt" not in names:
        environments.insert(0, Environment("pip's part", "requirements.txt", "environment", ()))
    for environment in environments:
        found += _compare_pins(environment, sides, faults, conda_names)
    direct, transitive = (
        [change for is_asked, change in found if is_asked is wanted] for wanted in (True, False)
    )
    return kept_finding("direct", direct, faults), kept_finding("transitive", transitive, faults)


def _read_locks(run: KeptRun) -> Locks:
    """Return the lock files of Python and conda.

    Raises:
        NotebakeError: one of them was recorded, and is gone or was changed.
    """
    locks = {}
    for name in run.summary.locks:
        if name.startswith(OF_APT):
            continue
        content, wrong = run.read_file(name)
        if content is None:
            raise NotebakeError(f"{wrong}.")
        locks[name] = content
    return locks


def _compare_pins(
    environment: Environment, sides: Sides, faults: list[str], without: frozenset[str]
) -> Iterator[tuple[bool, Change]]:
    """Yield the changes of an environment, each with whether a recipe or notebake asks for it."""
    pins: list[dict[str, Pinned]] = []
    for run, _, locks in sides:
        lock = find_lock(locks, environment.lock)
        if lock is None:
            faults.append(f"Run {run.run_id} has kept no {environment.lock}.")
            return
        try:
            found = read_pins(lock, environment.lock)
        except ResolutionError as error:
            faults.append(sentence(f"run {run.run_id}: {error}"))
            return
        pins.append({name: pin for name, pin in found.items() if name not in without})
    own = [
        text
        for _, software, _ in sides
        for each in environments_of(software)
        if each.lock == environment.lock
        for text in each.texts
    ]
    asked = set[str]().union(*map(named_packages, own))
    for change in changes_between(*pins):
        pin = pins[1].get(change.name) or pins[0][change.name]
        words = filter(None, (environment.name, _direction(change.name, pins)))
        is_asked = change.name in asked or bool(pin.url)
        yield is_asked, change.model_copy(update={"detail": ", ".join(words)})


def _direction(name: str, pins: Sequence[Mapping[str, Pinned]]) -> str:
    """Return a word if the version is lower than before."""
    old, new = (each.get(name) for each in pins)
    if old is None or new is None or old.url or new.url:
        return ""
    return OLDER if compare(new.version, old.version) < 0 else ""


def _compare_conda(
    sides: Sides, found: list[tuple[bool, Change]], faults: list[str]
) -> frozenset[str]:
    """Add what differs in conda's environments; return the names of all packages in the first."""
    names = set[str]()
    for environment, lock in LOCKS.items():
        try:
            old, new = (read_lock(locks, lock) for _, _, locks in sides)
        except ResolutionError as error:
            faults.append(sentence(error))
            continue
        specs = [spec for _, software, _ in sides for spec in specs_of(software)[environment]]
        asked = {match["name"].lower() for match in map(SPEC_NAME.match, specs) if match}
        names |= {canonicalize_name(each) for each in (old.keys() | new.keys())}
        for package in sorted(old.keys() | new.keys()):
            was, now = old.get(package), new.get(package)
            if was and now and (was.version, was.build) == (now.version, now.build):
                continue
            found.append((package in asked, change_of(package, was, now, environment)))
    return frozenset(names)
