"""How the recipe of a run was changed while the run went on."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from notebake.ledger.difference import compare_recipes
from notebake.ledger.entry import Entry
from notebake.ledger.kinds import BEGAN, RECIPE
from notebake.reports.grant.document import RecipeChange
from notebake.runs.people import Person, name_of


def find_changes(entries: Sequence[Entry], people: Mapping[str, Person]) -> Iterator[RecipeChange]:
    """Yield each field that differs from the recipe before, in the order of the changes."""
    recipes = [entry for entry in entries if entry.kind in {BEGAN, RECIPE}]
    for before, after in pairwise(recipes):
        for each in compare_recipes(before.body["recipe"], after.body["recipe"]):
            if not each.is_same:
                yield RecipeChange(
                    at=after.time,
                    who=name_of(after.who, people),
                    field=each.what,
                    before=each.before or "",
                    after=each.after or "",
                )
