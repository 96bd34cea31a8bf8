"""Ids that no run has: folders of a run store and of its record, and names that policies know."""

from notebake.ledger.entry import CHECKPOINTS, SEALS

FLOW_RUNS = "flow-runs"
RECORD = "record"
RESERVED_IDS = frozenset((FLOW_RUNS, RECORD, SEALS, CHECKPOINTS, "keys", "preflight"))
