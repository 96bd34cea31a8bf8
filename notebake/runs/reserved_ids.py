"""Ids that no run has: folders of a run store and of its record, and names that policies know."""

from notebake.ledger.entry import CHECKPOINTS, SEALS

FLOW_RUNS = "flow-runs"
RECORD = "record"
PEOPLE_LOG = "people-log"
"""The chain of the erasures of people; it is verified as that of a run."""
CHECKS = "checks"
"""What checks for updates have found."""
REBAKES = "rebakes"
"""Which runs are rebakes, and the locks of the recipes."""
RESERVED_IDS = frozenset(
    (FLOW_RUNS, RECORD, CHECKS, REBAKES, SEALS, CHECKPOINTS, PEOPLE_LOG, "keys", "preflight")
)
