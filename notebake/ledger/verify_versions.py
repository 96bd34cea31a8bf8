"""What a store's versions show: whether anything that is only ever added was replaced or deleted.

S3 lets a key be created again after a deletion (`If-None-Match: *` succeeds over a delete marker),
so a chain that was written anew over the old one may fit together. The versions show both.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from notebake.ledger.entry import KEY, SEAL_KEY
from notebake.record import Record
from notebake.store.versions import Version, Versioning

WRITTEN_WITHOUT = "null"
"""The id of a version that S3 wrote while versioning was not on (S3 user guide, "How S3 Versioning
works")."""
SHOWN = 6
"""How many versions of one object a finding names."""


class VersionFault(StrEnum):
    """What happened to an object that is only ever added."""

    DELETED = "was deleted"
    WRITTEN_AGAIN = "was deleted and written again"
    OVERWRITTEN = "was overwritten"


class VersionFinding(Record):
    """An object of the record that has more than one version."""

    key: str
    """In the store."""
    run: str
    """The run whose entry or seal it is; "" for a checkpoint and for what belongs to no run."""
    fault: VersionFault
    versions: tuple[str, ...]
    """Their ids and times, the newest first."""

    def __str__(self) -> str:
        more = len(self.versions) - SHOWN
        shown = [*self.versions[:SHOWN], *([f"{more} more"] if more > 0 else [])]
        return f"{self.key} {self.fault}: {', '.join(shown)}"


class VersionReport(Record):
    """What the versions of a record have shown."""

    versioning: Versioning
    """`DENIED` also where the versions themselves may not be listed."""
    unversioned: int = 0
    """How many objects were written while versioning was not on."""
    findings: tuple[VersionFinding, ...] = ()

    def by_run(self) -> dict[str, list[VersionFinding]]:
        """Return the findings of each run that has any; "" for those of no run."""
        found: dict[str, list[VersionFinding]] = {}
        for finding in self.findings:
            found.setdefault(finding.run, []).append(finding)
        return found


def verify_versions(
    groups: Iterable[Sequence[Version]], versioning: Versioning, prefix: str, changing: str
) -> VersionReport:
    """Return what the versions of each key show.

    `prefix` is that of the record in its store; `changing` is the name in it of the one file that
    is meant to change.
    """
    findings, unversioned = [], 0
    for group in groups:
        name = group[0].key.removeprefix(prefix)
        if name == changing:
            continue
        unversioned += any(version.id == WRITTEN_WITHOUT for version in group)
        if fault := _fault_of(group):
            findings.append(
                VersionFinding(
                    key=group[0].key,
                    run=_run_of(name),
                    fault=fault,
                    versions=tuple(str(version) for version in group),
                )
            )
    return VersionReport(versioning=versioning, unversioned=unversioned, findings=tuple(findings))


def _fault_of(group: Sequence[Version]) -> VersionFault | None:
    if group[0].is_deletion:
        return VersionFault.DELETED
    if any(version.is_deletion for version in group):
        return VersionFault.WRITTEN_AGAIN
    return VersionFault.OVERWRITTEN if len(group) > 1 else None


def _run_of(name: str) -> str:
    found = KEY.fullmatch(name) or SEAL_KEY.fullmatch(name)
    run = found["run"] if found else ""
    return "" if run.startswith("_") else run
