"""Ids that no run has: folders of a run store and of its record, and names that policies know."""

from notebake.ledger.entry import CHECKPOINTS, SEALS

FLOW_RUNS = "flow-runs"
RECORD = "record"
PEOPLE_LOG = "people-log"
"""The chain of the erasures of people; it is verified as that of a run."""
POINTER_LOG = "pointer-log"
"""The chain of what was done to pointers and of revocations; it is verified likewise."""
PRUNE_LOG = "prune-log"
"""The chain of what prunes did to images; it is verified likewise."""
APPROVAL_LOG = "approval-log"
"""The chain of what people were asked to approve, and of their answers; likewise."""
LOGS = frozenset((PEOPLE_LOG, POINTER_LOG, PRUNE_LOG, APPROVAL_LOG))
"""The chains that are not of runs."""
POINTERS = "pointers"
"""Which image of each recipe is current."""
REVOCATIONS = "revocations"
"""The images that must not be used as a base any more."""
COPIES = "copies"
"""What was asked for when images were copied to other regions."""
APPROVALS = "approvals"
"""What people were shown when they were asked, under its digest."""
CHECKS = "checks"
"""What checks for updates have found."""
PRUNES = "prunes"
"""What prunes have begun and done in each region."""
REBAKES = "rebakes"
"""Which runs are rebakes, and the locks of the recipes."""
SUMMARIES = "summaries"
"""Rows of sealed runs, which only save reading; see `shared_rows`."""
RESERVED_IDS = frozenset(
    (
        *(FLOW_RUNS, RECORD, CHECKS, COPIES, PRUNES, REBAKES, POINTERS, REVOCATIONS, SEALS),
        *(CHECKPOINTS, *LOGS),
        *("keys", "preflight", APPROVALS, SUMMARIES),
    )
)
