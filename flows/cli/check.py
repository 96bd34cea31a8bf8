"""The command `check`: what differs between the newest accepted image and its sources today."""

import argparse
from typing import TYPE_CHECKING

from flows.cli.arguments import add_json, add_recipe, location_of
from flows.cli.exit_codes import DONE, UNREADABLE

if TYPE_CHECKING:
    import datetime

    from notebake.images.updates.update_check import UpdateCheck

EXAMPLE = """\
notebake check deployments/ocean.yaml
notebake check deployments/ocean.yaml --json"""
FIELDS = {
    "recipe": "name in the recipe",
    "region": "AWS region",
    "image_id": "the AMI accepted last; null: none was",
    "image_state": "its state in EC2's words, or `not there`",
    "revoked": "why it was revoked; null: it is not",
    "run_id": "run that made it",
    "accepted_at": "time, ISO 8601 in UTC",
    "checked_at": "time, ISO 8601 in UTC",
    "last_checked_at": "when it was checked before that; null: never",
    "sentence": "the result in one sentence",
    "findings[].cause": "one of nine, in a fixed order",
    "findings[].state": "unchanged, changed or not checked",
    "findings[].how": "of whom it was asked, and how",
    "findings[].reason": "why it, or a part of it, was not checked (exit code 5)",
    "findings[].changes": "name, old, new and detail of each",
    "findings[].held_back": "the same of updates that are too new for the recipe's cooldown_days",
    "advice[].ecosystem": "python or apt",
    "advice[].state": "asked, asked in part or not asked: of known vulnerabilities, no cause",
    "advice[].source": "whose data, by which program",
    "advice[].data_of": "of when they are, ISO 8601 in UTC; null: unknown, or not asked",
    "advice[].packages": "number of packages asked for",
    "advice[].reason": "why it, or a part of it, was not asked",
    "advice[].findings": "package, version, ids, fixed, urgency, detail; null: not asked",
    "aws_calls": "number of calls to AWS",
    "kept_at": "where this result is kept; null: it could not be (exit code 1)",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    add_recipe(parser)
    parser.add_argument("--all", action="store_true", help="all changes, however many")
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    """Print what differs, and keep it in the run store.

    DONE if every cause was asked, whatever was found; UNREADABLE if one was not.

    Raises:
        RunStoreError: what was printed could not be kept.
    """
    from pathlib import Path

    from notebake.recipe.file import load_recipe

    recipe = load_recipe(Path(given.recipe))
    from notebake.errors import RunStoreError
    from notebake.images.updates.check import check_updates
    from notebake.images.updates.last_check import describe_last_check, find_last_check
    from notebake.images.updates.update_check import keep_check

    location = location_of(given)
    found, kept_at, failure = check_updates(recipe, location), None, None
    last, since = None, ""
    try:
        last = find_last_check(recipe.name, recipe.region, location, before=found.checked)
        since = describe_last_check(last, found.checked)
        kept_at = keep_check(found, location)
    except RunStoreError as error:
        failure = error
    if given.json:
        from flows.cli.json_output import print_document

        print_document(document_of(found, kept_at, last))
    else:
        from flows.terminal.update_table import print_check

        print_check(
            found,
            given.recipe,
            store=given.store or "",
            location=location,
            shows_all=given.all,
            since=since,
            rebakes=recipe.rebake is not None,
        )
    if failure:
        raise failure
    return UNREADABLE if found.not_checked else DONE


def document_of(
    found: "UpdateCheck", kept_at: str | None, last: "datetime.datetime | None" = None
) -> dict[str, object]:
    """Return a check as a JSON document."""
    from flows.cli.json_output import iso_time
    from notebake.images.updates.sentence import describe_check

    return {
        "recipe": found.recipe,
        "region": found.region,
        "image_id": found.image_id,
        "image_state": found.image_state or None,
        "revoked": found.revoked or None,
        "run_id": found.run_id,
        "accepted_at": iso_time(found.accepted),
        "checked_at": iso_time(found.checked),
        "last_checked_at": iso_time(last),
        "sentence": describe_check(found),
        "findings": [
            finding.model_dump()
            | {"how": finding.how or None, "reason": finding.reason or None}
            | {
                name: [each.model_dump(exclude={"added_bytes"}) for each in changes]
                for name, changes in (
                    ("changes", finding.changes),
                    ("held_back", finding.held_back),
                )
            }
            for finding in found.findings
        ],
        "advice": [
            advice.model_dump()
            | {"source": advice.source or None, "reason": advice.reason or None}
            | {"data_of": iso_time(advice.data_of)}
            | ({"findings": None, "packages": None} if advice.state == "not asked" else {})
            for advice in found.advice
        ],
        "aws_calls": found.aws_calls,
        "kept_at": kept_at,
    }
