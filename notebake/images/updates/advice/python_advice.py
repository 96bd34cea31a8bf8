"""Known vulnerabilities in the Python packages of an image, by pip-audit."""

from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from notebake import clock
from notebake.commands import papermill
from notebake.images.updates.advice.advice import Advice, AdviceError, Vulnerability, not_asked
from notebake.images.updates.advice.audit_program import Pin, run_audit, service_name
from notebake.images.updates.composing import sentence
from notebake.images.updates.resolution.conda_packages import LOCKS, read_lock
from notebake.images.updates.resolution.environments import PAPERMILL
from notebake.images.updates.resolution.image_python import ResolutionError, find_lock
from notebake.images.updates.resolution.pins import Pinned, read_pins
from notebake.timestamps import utc_from_seconds

ENVIRONMENTS = {"requirements.txt": "", papermill.LOCK_FILE: PAPERMILL}
"""The lock files, with a name for a reader if it is not the environment that users work in."""
NAMED = 5
"""So many packages are named where some were not asked for."""


def advise_on_python(locks: Mapping[str, bytes]) -> Advice:
    """Return what is known of the packages in a run's lock files (by name, as they are stored)."""
    faults: list[str] = []
    try:
        wanted = dict[Pin, list[str]]()
        for pin, environment in pins_of(locks, faults):
            wanted.setdefault(pin, []).append(environment)
        if not wanted:
            raise AdviceError(" ".join(faults) or "The lock files have no package with a version.")
        asked_at = utc_from_seconds(clock.now())
        audit = run_audit(list(wanted))
    except AdviceError as error:
        return not_asked("python", str(error))
    unknown = sorted({name for name, _ in wanted if name in audit.unknown})
    if unknown:
        faults.append(sentence(f"{service_name()} does not know {name_some(unknown)}"))
    missing = sorted({name for name, _ in wanted.keys() - audit.known.keys()} - {*unknown})
    if missing:
        faults.append(sentence(f"of {name_some(missing)} pip-audit said nothing"))
    findings = [
        vulnerability_of(pin, found, environments)
        for pin, environments in sorted(wanted.items())
        for found in audit.known.get(pin, ())
    ]
    return Advice(
        ecosystem="python",
        state="asked in part" if faults else "asked",
        source=f"{service_name()}, by {program_name()}",
        data_of=asked_at,
        packages=len(wanted.keys() & audit.known.keys()),
        reason=" ".join(faults),
        findings=tuple(findings),
    )


def pins_of(locks: Mapping[str, bytes], faults: list[str]) -> Iterator[tuple[Pin, str]]:
    """Yield each package with the environment that has it; add what cannot be asked to `faults`."""
    by_conda = versions_by_conda(locks)
    for lock, environment in ENVIRONMENTS.items():
        text, nameless = find_lock(locks, lock), list[str]()
        if text is None:
            faults.append(sentence(f"the run kept no {lock}"))
            continue
        try:
            pins = read_pins(text, lock)
        except ResolutionError as error:
            faults.append(sentence(error))
            continue
        for name, pinned in pins.items():
            found = public_version(pinned, by_conda)
            if found:
                yield (name, found), environment
            else:
                nameless.append(name)
        if nameless:
            faults.append(
                sentence(f"of {name_some(nameless)} {lock} has no version that an index knows")
            )


def public_version(pinned: Pinned, by_conda: Mapping[str, str]) -> str:
    """Return the version of a package as pip-audit writes it, or "" if no index has it."""
    is_local = pinned.url.startswith("file:")
    try:
        return str(Version(by_conda.get(pinned.name, "") if is_local else pinned.version))
    except InvalidVersion:
        return ""


def versions_by_conda(locks: Mapping[str, bytes]) -> dict[str, str]:
    """Return the versions of conda's packages: pip calls what conda installed a local file."""
    try:
        found = read_lock(locks, LOCKS[""])
    except ResolutionError:
        return {}
    return {canonicalize_name(name): locked.version for name, locked in found.items()}


def vulnerability_of(pin: Pin, found: Mapping[str, Any], environments: list[str]) -> Vulnerability:
    """Return a vulnerability as pip-audit has printed it."""
    name, installed = pin
    return Vulnerability(
        package=name,
        version=installed,
        ids=tuple(dict.fromkeys((found["id"], *sorted(found.get("aliases") or ())))),
        fixed=tuple(found.get("fix_versions") or ()),
        detail=" and ".join(each or "the image" for each in environments if any(environments)),
    )


def program_name() -> str:
    """Return pip-audit with its version, if this Python has it."""
    try:
        return f"pip-audit {version('pip-audit')}"
    except PackageNotFoundError:
        return "pip-audit"


def name_some(names: list[str]) -> str:
    """Return the first names, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
