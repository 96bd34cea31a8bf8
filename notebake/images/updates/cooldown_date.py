"""The date up to which a rebake of today would install Python packages."""

import datetime

from notebake.images.updates.current import CurrentImage
from notebake.recipe import Recipe
from notebake.timestamps import parse_timestamp

INSTALLS = "install_software"


def with_date(recipe: Recipe, current: CurrentImage | None, now: datetime.datetime) -> Recipe:
    """Return the recipe with the date of its cooldown; without a cooldown, as it is.

    The date is never earlier than that of the current image, whose packages were accepted with it:
    so a cooldown never makes a package older.
    """
    if recipe.rebake is None or not recipe.rebake.cooldown_days or recipe.rebake.until:
        return recipe
    date = now - datetime.timedelta(days=recipe.rebake.cooldown_days)
    before = installed_at(current, recipe.rebake.cooldown_except) if current else None
    until = f"{max(date, before or date):%Y-%m-%dT%H:%M:%SZ}"
    return recipe.model_copy(update={"rebake": recipe.rebake.model_copy(update={"until": until})})


def installed_at(current: CurrentImage, exempt: tuple[str, ...]) -> datetime.datetime:
    """Return as of when the image has its Python packages: its own date, or when they came.

    Its own date does not count if the image was made with an exemption that is not among `exempt`
    any more: that package may be newer than the date.
    """
    policy = current.summary.recipe.get("rebake") or {}
    is_dated = set(policy.get("cooldown_except") or ()).issubset(exempt)
    known = (policy.get("until") or "") if is_dated else ""
    steps = [step.at for step in current.summary.steps if step.step == INSTALLS]
    found = next(filter(None, map(parse_timestamp, (known, *steps))), current.accepted)
    return min(found, current.accepted).astimezone(datetime.UTC)
