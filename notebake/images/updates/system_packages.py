"""Which of the distribution's packages have an update, asked of the image's own archives."""

from collections.abc import Mapping, Sequence
from typing import Any

from notebake.images.updates.archives.ask import Answer, Question, ask_sources
from notebake.images.updates.archives.candidate import SECURITY_LABEL, Update
from notebake.images.updates.archives.installed import find_updates, read_installed, read_record
from notebake.images.updates.archives.preferences import read_preferences
from notebake.images.updates.archives.source import ArchiveError, Source, read_sources
from notebake.images.updates.composing import finding_of, sentence
from notebake.images.updates.finding import Cause, CauseFinding, Change

NO_PREFERENCES = " This older run kept no pins, and not which packages were on hold."
NO_SECURITY = "None of the image's sources is a suite for security."


def check_system_packages(
    packages: bytes | None, sources: bytes | None
) -> tuple[CauseFinding, CauseFinding]:
    """Return the findings for `security` and `system`.

    `packages` and `sources` are the lock files apt-packages.json and apt-sources.json of the run,
    or None where it has none.
    """
    try:
        packages_record = read_record(packages, "apt-packages.json")
        sources_record = read_record(sources, "apt-sources.json")
        return ask_and_compare(packages_record, sources_record)
    except ArchiveError as error:
        return finding_of("security", (), [sentence(error)]), finding_of(
            "system", (), [sentence(error)]
        )


def ask_and_compare(
    packages_record: Mapping[str, Any], sources_record: Mapping[str, Any]
) -> tuple[CauseFinding, CauseFinding]:
    """Ask all sources of the record, and return the findings for `security` and `system`."""
    installed = read_installed(packages_record)
    native = packages_record["architecture"]
    architectures = list(dict.fromkeys((native, *(each.architecture for each in installed))))
    sources = list(dict.fromkeys(read_sources(sources_record.get("sources", {}), architectures)))
    if not sources:
        raise ArchiveError("the image has no source of binary packages")
    preferred = packages_record.get("default_release", "")
    pins = list(read_preferences(sources_record.get("preferences", {}), preferred))
    names = frozenset(each.name for each in installed)
    answers = ask_sources(sources, Question(names, pins, sources_record))
    updates = find_updates(installed, answers, native, pins)
    faults = faults_by_cause(answers, security_suites(packages_record))
    how = f"{len(installed)} installed packages were compared with {describe(answers)}."
    if "preferences" not in sources_record:
        how += NO_PREFERENCES
    security, system = (
        tuple(map(change_of, (each for each in updates if each.is_security is is_security)))
        for is_security in (True, False)
    )
    return (
        finding_of("security", security, faults["security"], how),
        finding_of("system", system, faults["system"], how),
    )


def security_suites(packages_record: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the suites for security that the image's apt knew."""
    return frozenset(
        index.get(name, "")
        for index in packages_record.get("indexes", ())
        if index.get("label") == SECURITY_LABEL
        for name in ("suite", "codename")
    )


def faults_by_cause(answers: Sequence[Answer], known: frozenset[str]) -> dict[Cause, list[str]]:
    """Return what could not be asked, by the cause for which the source stands."""
    faults: dict[Cause, list[str]] = {"security": [], "system": []}
    for answer in answers:
        is_security = is_for_security(answer, known)
        for fault in answer.faults:
            faults["security" if is_security else "system"].append(
                sentence(f"{answer.source}: {fault}")
            )
    if not any(is_for_security(answer, known) for answer in answers):
        faults["security"].append(NO_SECURITY)
    return faults


def is_for_security(answer: Answer, known: frozenset[str]) -> bool:
    """Return whether a source is a suite for security, even if it did not answer."""
    suite = answer.source.suite
    return answer.has_security or suite.endswith(("-security", "/updates")) or suite in known


def describe(answers: Sequence[Answer]) -> str:
    """Return which sources were asked in full, and by what they are trusted."""
    asked = [answer.source for answer in answers if not answer.faults]
    signed = list_sources([source for source in asked if not source.trusted])
    unsigned = list_sources([source for source in asked if source.trusted])
    parts = [f"{signed}, signed with the image's keys"] if signed else []
    parts += [f"{unsigned}, which the image trusts unsigned"] if unsigned else []
    return "; ".join(parts) or "nothing, as no source was asked in full"


def list_sources(sources: Sequence[Source]) -> str:
    """Return sources by archive: each address with its suites."""
    suites: dict[str, list[str]] = {}
    for source in sources:
        suites.setdefault(source.uri, []).append(source.suite)
    return ", ".join(f"{uri} ({', '.join(names)})" for uri, names in suites.items())


def change_of(update: Update) -> Change:
    """Return an update as a change; a foreign architecture stands with the name."""
    package = update.package
    return Change(
        name=package.name if package.is_native else f"{package.name}:{package.architecture}",
        old=str(package.version),
        new=str(update.offer.version),
        detail=update.detail,
    )
