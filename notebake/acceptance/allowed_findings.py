"""The credentials that the recipe's allow list permits in an image, for its proof."""

import json
import logging

from notebake.credentials.report import Allowed, Report
from notebake.recipe import Recipe
from notebake.runs import files
from notebake.runs.run import Run

log = logging.getLogger(__name__)
FILE = "allowed.json"


def keep_allowed(run: Run, report: Report) -> None:
    """Store which entries of the allow list the last search used, and log the unused ones."""
    for entry in report["allowed"]:
        if not entry["count"]:
            log.warning("Not needed: credentials.allow of %(rule)s in %(path)s", entry)
    files.put_file(run, FILE, json.dumps(report["allowed"], indent=2).encode())


def allowed_sentences(run: Run) -> list[str]:
    """Return the sentences about the stored entries."""
    stored = files.get_file(run, FILE)
    return format_allowed(json.loads(stored) if stored else [], run.recipe)


def format_allowed(entries: list[Allowed], recipe: Recipe) -> list[str]:
    """Return a sentence for each entry, the used ones with the recipe's reason."""
    reasons = {(each.path, each.rule): each.reason for each in recipe.credentials.allow}
    used = [
        f"Allowed by the recipe: {entry['rule']} in {entry['path']}, found"
        f" {'once' if entry['count'] == 1 else '{} times'.format(entry['count'])}:"
        f" {reasons.get((entry['path'], entry['rule']), 'no reason is kept').removesuffix('.')}."
        for entry in entries
        if entry["count"]
    ]
    unused = [
        f"The recipe allows {entry['rule']} in {entry['path']}; nothing of it was found."
        for entry in entries
        if not entry["count"]
    ]
    return used + unused
