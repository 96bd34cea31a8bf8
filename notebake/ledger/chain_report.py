"""What the verification of a run's record shows: its faults, and its gaps."""

from enum import StrEnum

from notebake.record import Record


class Fault(StrEnum):
    """What is wrong in the record of a run."""

    UNREADABLE = "cannot be read"
    MISSING = "is missing"
    MISNUMBERED = "has the number of another entry"
    OTHER_RUN = "belongs to another run"
    NOT_LINKED = "does not name the hash of the entry before it"
    AFTER_SEAL = "follows a seal, but does not reopen the run"
    NOT_SEALED_BEFORE = "reopens a run that was not sealed"
    WRONG_SEAL = "is a seal that does not fit the entries before it"
    SEAL_REMOVED = "has no copy among the seals"
    SEAL_DIFFERS = "differs from its copy among the seals"
    NO_SUCH_SEAL = "has a copy among the seals, but is no seal in the chain"


class Gap(StrEnum):
    """What is not in the record of a run, and may never have been."""

    NO_ANSWER = "is a call of which no response is recorded"
    NO_END = "begins an execution whose end is not recorded"
    NO_COPY = "is the last seal, and has no copy: its writer was killed, or it was removed"


class Finding(Record):
    """One fault of a chain, or one gap."""

    run: str
    sequence: int
    fault: Fault | Gap
    detail: str = ""

    def __str__(self) -> str:
        more = f": {self.detail}" if self.detail else ""
        return f"Entry {self.sequence} of run {self.run} {self.fault}{more}"


class ChainReport(Record):
    """What the verification of the record of a run has shown."""

    run: str
    count: int
    """Entries that are there."""
    head: str
    """The hash of the last entry; "" if there is none."""
    is_sealed: bool = False
    findings: tuple[Finding, ...] = ()
    """What was changed."""
    gaps: tuple[Finding, ...] = ()
    """What is missing without a change."""

    def confirming(self, before: "ChainReport") -> "ChainReport":
        """Return this report with only what an earlier report has shown as well."""
        return self.model_copy(
            update={
                "findings": tuple(each for each in self.findings if each in before.findings),
                "gaps": tuple(each for each in self.gaps if each in before.gaps),
            }
        )
