"""Known vulnerabilities in the packages of a distribution: of Debian, by debsecan."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from debian.debian_support import Version

from notebake.humanize import pluralize
from notebake.images.updates.advice.advice import Advice, AdviceError, Vulnerability, not_asked
from notebake.images.updates.advice.debsecan_program import (
    Bug,
    fetch_data,
    find_program,
    run_debsecan,
    source_name,
)
from notebake.images.updates.archives.installed import read_installed, read_record
from notebake.images.updates.archives.source import ArchiveError
from notebake.images.updates.composing import sentence

DEBIAN = "debian"
ORIGINS = ("Debian", "Debian Backports")
"""As Debian's own archives name themselves."""
URGENCIES = ("high", "medium", "low", "")


def advise_on_distribution(packages: bytes | None) -> Advice:
    """Return what is known of a run's apt-packages.json; None: it has kept none."""
    try:
        record = read_record(packages, "apt-packages.json")
        read_installed(record)
        release = record.get("release", {})
        distribution, suite = release.get("id", ""), release.get("version_codename", "")
        if distribution != DEBIAN or not suite:
            raise AdviceError(
                f"There is no source of advice for {distribution or 'an unknown distribution'},"
                " only for Debian's releases."
            )
        find_program()
        own, foreign = split_by_origin(record)
        data, data_of = fetch_data(suite)
        bugs = run_debsecan("\n".join(status_of(own)), suite, data)
    except AdviceError as error:
        return not_asked("apt", str(error))
    except ArchiveError as error:
        return not_asked("apt", sentence(error))
    reason = (
        f"{pluralize(len(foreign), 'package')} from other archives than Debian's:"
        f" {', '.join(sorted({each['name'] for each in foreign})[:5])}."
        if foreign
        else ""
    )
    return Advice(
        ecosystem="apt",
        state="asked in part" if foreign else "asked",
        source=f"{source_name()} ({suite}), by debsecan",
        data_of=data_of,
        packages=len(own),
        reason=reason,
        findings=tuple(sorted(vulnerabilities_of(bugs), key=in_order)),
    )


def split_by_origin(record: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """Return Debian's packages, and those that only other archives have.

    A version that no archive has any more is taken for Debian's: most often it was replaced there.
    """
    indexes = record.get("indexes", [])
    own: list[Any] = []
    foreign: list[Any] = []
    for package in record["packages"]:
        origins = {indexes[at].get("origin", "") for at in package.get("indexes", ())}
        (own if not origins or origins & {*ORIGINS} else foreign).append(package)
    return own, foreign


def status_of(packages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the paragraphs of a status file of dpkg with these packages."""
    for each in packages:
        yield (
            f"Package: {each['name']}\nStatus: install ok installed\n"
            f"Architecture: {each['architecture']}\n"
            f"Source: {each['source']} ({each['source_version']})\nVersion: {each['version']}\n"
        )


def vulnerabilities_of(bugs: Sequence[Bug]) -> Iterator[Vulnerability]:
    """Yield each vulnerability of each source package once, with the packages built from it."""
    grouped: dict[tuple[str, str, str], list[Bug]] = {}
    for bug in bugs:
        grouped.setdefault((bug.source, bug.version, bug.bug), []).append(bug)
    for (source, version, name), same in grouped.items():
        packages = ", ".join(dict.fromkeys(bug.package for bug in same))
        remote = "; can be used remotely" if any(bug.is_remote for bug in same) else ""
        yield Vulnerability(
            package=source,
            version=version,
            ids=(name,),
            fixed=fixed_version(same[0]),
            urgency=same[0].urgency,
            detail=packages + remote,
        )


def fixed_version(bug: Bug) -> tuple[str, ...]:
    """Return the version of the image's release without it, if the release has one.

    debsecan names those of all releases: it is the lowest above the installed one.
    """
    above = sorted(version for version in map(Version, bug.fixed) if version > Version(bug.version))
    return (str(above[0]),) if bug.has_fix and above else ()


def in_order(found: Vulnerability) -> tuple[bool, int, str, str]:
    """Return where a vulnerability stands: those with an update first, then by urgency."""
    return not found.fixed, URGENCIES.index(found.urgency), found.package, found.ids[0]
