"""What the cooldown of a rebake would hold back today, which a build by hand installs."""

from collections.abc import Iterable

from notebake import clock
from notebake.errors import NotebakeError
from notebake.images.updates.cooldown_date import with_date
from notebake.images.updates.current import find_current
from notebake.images.updates.held_back import list_held_back
from notebake.images.updates.installed_packages import check_environment
from notebake.preflight.finding import Finding, good, not_checked
from notebake.recipe import Recipe
from notebake.timestamps import utc_from_seconds


def check_cooldown(recipe: Recipe, location: str) -> Iterable[Finding]:
    """Name each Python package that a rebake would hold back; nothing without an accepted image.

    It asks the package index, which takes seconds.
    """
    if recipe.rebake is None or not recipe.rebake.cooldown_days:
        return
    try:
        current = find_current(recipe.name, recipe.region, location)
        if current is None:
            return
        dated = with_date(recipe, current, utc_from_seconds(clock.now()))
        findings = check_environment(current, dated)
    except NotebakeError as error:
        yield not_checked(f"What a rebake would hold back is not known: {error.message}")
        return
    for held_back in list_held_back(findings):
        yield good(f"A rebake would hold back: {held_back}; a build by hand installs it")
    reasons = dict.fromkeys(each.reason for each in findings if each.reason)
    for reason in reasons:
        yield not_checked(f"What a rebake would hold back is not wholly known: {reason}")
