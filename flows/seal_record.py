"""The checkpoint over all runs as a flow, so that a schedule can make it every day."""

import logging
from typing import Any

from prefect import flow
from prefect.states import Completed

from flows.prefect_ui.form import StoreLocation
from flows.prefect_ui.plain_ending import ending_plainly
from notebake.ledger.checkpoint import parse_note
from notebake.runs.checkpoints import make_checkpoint
from notebake.runs.open_store import default_location
from notebake.runs.record_key import fingerprint
from notebake.runs.run_record import record_place
from notebake.runs.sealed_claims import share_rows
from notebake.runs.stamps import stamp_checkpoint

log = logging.getLogger(__name__)


@flow(name="Seal the record")
@ending_plainly
def seal_record(store: StoreLocation = "") -> Any:
    """Sign a checkpoint over all runs, and return the anchor: the size and the root of its tree.

    Args:
        store: Location of the run store, a directory or s3://bucket/prefix; empty: the default.

    Raises:
        NotebakeError: the run store has no record.
        StampError: the checkpoint is made, and the configured authority has not stamped it.
    """
    location = store or default_location()
    checkpoint = make_checkpoint(location)
    anchor = str(parse_note(checkpoint.note).anchor)
    log.info("Checkpoint %s, anchor %s, key %s", checkpoint.number, anchor, fingerprint())
    stamp_checkpoint(checkpoint, record_place(location))
    share_rows(location)
    return Completed(message=f"Checkpoint {checkpoint.number}, anchor {anchor}", data=anchor)
