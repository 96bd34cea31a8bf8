"""What the ledger has of the awards that pay for a run."""

import logging
from typing import Any

from notebake.costs.awards import KnownAward, read_awards
from notebake.errors import RecipeError
from notebake.ledger.entry import latest
from notebake.ledger.kinds import AWARD
from notebake.runs.people import Person, pseudonym_of
from notebake.runs.run import Run
from notebake.runs.run_record import record_place, run_record

log = logging.getLogger(__name__)


def record_awards(run: Run) -> None:
    """Record the awards of the recipe, if they or what is known of them have changed."""
    chain = run_record(run).chain
    recorded = latest(chain.entries(), AWARD)
    body = {"awards": _awards_of(run)}
    if body != (recorded.body if recorded else {"awards": []}):
        chain.append(AWARD, body)


def _awards_of(run: Run) -> list[dict[str, Any]]:
    if not run.recipe.award:
        return []
    try:
        known = read_awards()
    except RecipeError as error:
        log.warning("What is known of the awards is not recorded: %s", error.message)
        known = {}
    return [
        {
            "number": award.number,
            "purpose": award.purpose,
            "share": f"{award.percent:f}",
            "known": _row_of(known[award.number], run) if award.number in known else None,
        }
        for award in run.recipe.award
    ]


def _row_of(award: KnownAward, run: Run) -> dict[str, Any]:
    """Return the row of the file; the principal investigator is a person, so by a pseudonym."""
    pseudonym = pseudonym_of(Person(name=award.pi), record_place(run.store))
    return award.model_dump(mode="json") | {"pi": pseudonym}
