"""The awards that pay: whether they are known, and whether today lies in their periods."""

from collections.abc import Iterable

from notebake import clock
from notebake.costs.awards import awards_path, read_awards
from notebake.errors import RecipeError
from notebake.preflight.finding import Finding, good, warning
from notebake.runs.run import Run
from notebake.timestamps import utc_from_seconds


def check_awards(run: Run) -> Iterable[Finding]:
    """Name each award of the recipe; warn of one that is unknown, or that does not pay today."""
    awards = run.recipe.award
    for award in awards:
        yield good(f"Award {award.number} pays {award.percent:g} %, for: {award.purpose}")
    try:
        known = read_awards() if awards else {}
    except RecipeError as error:
        yield warning(f"The awards could not be read: {error.message}", error.hint)
        return
    today = utc_from_seconds(clock.now()).date()
    for number in (award.number for award in awards):
        if number not in known:
            hint = "Add it there, or correct its number in the recipe."
            yield warning(f"Award {number} is not in {awards_path()}.", hint)
        elif outside := known[number].describe_day(today):
            text = f"Award {number} {outside}: what is spent today lies outside of its period."
            yield warning(text, "Name another award in the recipe, or correct the period.")
