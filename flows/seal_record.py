"""The checkpoint over all runs as a flow, so that a schedule can make it every day."""

import logging

from prefect import flow

from flows.prefect_logs import show_logs_in_prefect
from notebake.ledger.checkpoint import parse_note
from notebake.runs.checkpoints import make_checkpoint
from notebake.runs.open_store import default_location
from notebake.runs.record_key import fingerprint
from notebake.runs.run_record import record_place
from notebake.runs.stamps import stamp_checkpoint

log = logging.getLogger(__name__)


@flow(name="Seal the record")
def seal_record(store: str = "") -> str:
    """Sign a checkpoint over all runs, and return the anchor: the size and the root of its tree.

    Args:
        store: Location of the run store, a directory or s3://bucket/prefix; empty: the default.

    Raises:
        StampError: the checkpoint is made, and the configured authority has not stamped it.
    """
    show_logs_in_prefect()
    location = store or default_location()
    checkpoint = make_checkpoint(location)
    anchor = str(parse_note(checkpoint.note).anchor)
    log.info("Checkpoint %s, anchor %s, key %s", checkpoint.number, anchor, fingerprint())
    stamp_checkpoint(checkpoint, record_place(location))
    return anchor
