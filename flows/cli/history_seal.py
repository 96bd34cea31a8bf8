"""`history seal`: sign a checkpoint over all runs of the record."""

import argparse
from typing import TYPE_CHECKING

from flows.cli.arguments import add_json, location_of
from flows.cli.exit_codes import DONE

if TYPE_CHECKING:
    from notebake.ledger.checkpoint import Checkpoint

EXAMPLE = """\
notebake history seal
notebake --store s3://BUCKET/PREFIX history seal --json"""
FIELDS = {
    "number": "number of the checkpoint",
    "added": "how many runs are new or have changed since the checkpoint before",
    "origin": "name of the record",
    "size": "how many leaves its tree has",
    "root": "root hash of the tree, base64: keep size and root outside of the record",
    "key": "fingerprint of the signing key: keep it outside of the record",
    "note": "the signed text, as verifiers of transparency logs take it",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--new-key",
        action="store_true",
        help="let a new key sign from now on; this checkpoint is signed by the old one, too",
    )
    parser.add_argument(
        "--lost-key",
        action="store_true",
        help="go on without the key that signed before; `history verify` will say so",
    )
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    """Make the checkpoint, and print what to keep elsewhere."""
    from notebake.runs.checkpoints import check_there_is_a_record, make_checkpoint
    from notebake.runs.record_key import change_key
    from notebake.runs.run_record import record_place
    from notebake.runs.sealed_claims import share_rows
    from notebake.runs.stamps import stamp_checkpoint

    location = location_of(given)
    if given.new_key:
        check_there_is_a_record(record_place(location))
        change_key()
    checkpoint = make_checkpoint(location, is_key_lost=given.lost_key)
    show(given, checkpoint)
    stamp_checkpoint(checkpoint, record_place(location))
    share_rows(location)
    return DONE


def show(given: argparse.Namespace, checkpoint: "Checkpoint") -> None:
    """Print the checkpoint."""
    from notebake.humanize import pluralize
    from notebake.ledger.checkpoint import parse_note
    from notebake.runs.record_key import fingerprint
    from notebake.runs.reserved_ids import LOGS

    head = parse_note(checkpoint.note)
    added = sum(leaf.kind == "run" and leaf.run not in LOGS for leaf in checkpoint.leaves)
    if given.json:
        from flows.cli.json_output import print_document

        shown = {"number": checkpoint.number, "added": added, "key": fingerprint()}
        print_document(shown | head.model_dump() | {"note": checkpoint.note})
        return
    from flows.terminal.console import open_console

    console = open_console()
    for line in (
        f"Checkpoint {checkpoint.number}: {pluralize(added, 'run')} new or changed.",
        "Keep these outside of the record, for example in a report or a mail: only",
        "they show that somebody with the key wrote all of it anew.",
        f"  anchor  {head.anchor}",
        f"  key     {fingerprint()}",
    ):
        console.print(line, markup=False, soft_wrap=True)
