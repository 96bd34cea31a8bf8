"""The command `diff`: what differs between two images."""

import argparse
from typing import TYPE_CHECKING

from flows.cli.arguments import add_json, complete_with, location_of
from flows.cli.completers import find_run_ids
from flows.cli.exit_codes import DONE

if TYPE_CHECKING:
    from notebake.images.difference.image_difference import ComparedImage, ImageDifference

EXAMPLE = """\
notebake diff ami-0123456789abcdef0 ami-0fedcba9876543210
notebake diff ami-0123456789abcdef0 ami-0fedcba9876543210 --html diff.html"""
FIELDS = {
    "recipe": "name in the recipe of the second run",
    "region": "AWS region of the second run",
    "before": "run_id, image_id, accepted_at of the first image",
    "after": "the same of the second image",
    "sentence": "the result in one sentence",
    "findings[].cause": "one of nine, in a fixed order",
    "findings[].state": "unchanged, changed or not kept",
    "findings[].reason": "what of it a run has not kept",
    "findings[].changes": "name, old, new, detail and added_bytes of each",
    "numbers": "of the notebook: state, reason, compared, changes",
    "sizes[].name": "what has the size",
    "sizes[].old": "its size in the first image, bytes; null: not kept",
    "sizes[].new": "its size in the second image, bytes; null: not kept",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    for name in ("first", "second"):
        action = parser.add_argument(
            name, help=f"{name} image, by its AMI id or by the run that made it"
        )
        complete_with(find_run_ids, action)
    parser.add_argument("--all", action="store_true", help="all changes, however many")
    parser.add_argument("--html", metavar="FILE", help="write it as a page, instead of text")
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    """Show what differs, by what the runs have kept: nothing is asked of AWS.

    Raises:
        RunStoreError: a run is not there, or the run store failed.
        NotebakeError: the page could not be written.
    """
    from notebake.images.difference.compare_images import compare_images, find_run

    location = location_of(given)
    found = compare_images(find_run(given.first, location), find_run(given.second, location))
    if given.html:
        write_page(found, given.html)
    if given.json:
        from flows.cli.json_output import print_document

        print_document(document_of(found))
    elif not given.html:
        from flows.terminal.image_difference_lines import print_image_difference

        names = (given.first, given.second)
        print_image_difference(found, names, store=given.store or "", shows_all=given.all)
    return DONE


def write_page(found: "ImageDifference", path: str) -> None:
    """Write the difference as a page.

    Raises:
        NotebakeError: it could not be written.
    """
    from pathlib import Path

    from flows.terminal.image_difference_html import html_of_difference
    from notebake.errors import NotebakeError

    try:
        Path(path).write_text(html_of_difference(found), encoding="utf-8")
    except OSError as error:
        raise NotebakeError(f"{path} could not be written: {error.strerror}") from error


def document_of(found: "ImageDifference") -> dict[str, object]:
    """Return a difference as a JSON document."""
    from notebake.images.difference.image_difference import describe_difference

    return {
        "recipe": found.recipe or None,
        "region": found.region or None,
        "before": _image(found.before),
        "after": _image(found.after),
        "sentence": describe_difference(found),
        "findings": [
            {
                "cause": finding.cause,
                "state": finding.state,
                "reason": finding.reason or None,
                "changes": [each.model_dump() for each in finding.changes],
            }
            for finding in found.findings
        ],
        "numbers": found.numbers.model_dump() | {"reason": found.numbers.reason or None},
        "sizes": [size.model_dump() for size in found.sizes],
    }


def _image(image: "ComparedImage") -> dict[str, object]:
    from flows.cli.json_output import iso_time

    return {
        "run_id": image.run_id,
        "image_id": image.image_id,
        "accepted_at": iso_time(image.accepted),
    }
