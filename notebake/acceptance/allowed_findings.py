"""What the recipe's allow list let pass in an image, for its proof."""

import json
import logging

from notebake.credentials.report import Allowed, Report
from notebake.recipe import Recipe
from notebake.runs import files
from notebake.runs.run import Run

log = logging.getLogger(__name__)
FILE = "allowed.json"


def keep_allowed(run: Run, report: Report) -> None:
    """Keep which entries were used in the last search, and say which were not."""
    for one in report["allowed"]:
        if not one["count"]:
            log.warning("Not needed: credentials.allow of %(rule)s in %(path)s", one)
    files.put_file(run, FILE, json.dumps(report["allowed"], indent=2).encode())


def allowed_sentences(run: Run) -> list[str]:
    """Return what was let pass with whose reason, and what nobody needs any more."""
    kept = files.get_file(run, FILE)
    return format_finding(json.loads(kept) if kept else [], run.recipe)


def format_finding(entries: list[Allowed], recipe: Recipe) -> list[str]:
    """Return a sentence for each entry, the used ones with the recipe's reason."""
    reasons = {(one.path, one.rule): one.reason for one in recipe.credentials.allow}
    used = [
        f"Allowed by the recipe: {one['rule']} in {one['path']}, found"
        f" {'once' if one['count'] == 1 else '{} times'.format(one['count'])}:"
        f" {reasons.get((one['path'], one['rule']), 'no reason is kept').removesuffix('.')}."
        for one in entries
        if one["count"]
    ]
    unused = [
        f"The recipe allows {one['rule']} in {one['path']}; nothing of it was found."
        for one in entries
        if not one["count"]
    ]
    return used + unused
