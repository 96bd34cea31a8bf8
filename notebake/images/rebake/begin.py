"""Begins a run as a rebake, with the date up to which Python packages are installed."""

import datetime

from notebake.images.rebake.mark import RebakeMark, keep_mark, written_digest
from notebake.images.updates.current import CurrentImage
from notebake.recipe import Recipe
from notebake.runs import registry
from notebake.runs.flow_runs import choose_run_id
from notebake.runs.run import Run
from notebake.store.interface import RunStore
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
    before = installed_at(current) if current else None
    until = f"{max(date, before or date):%Y-%m-%dT%H:%M:%SZ}"
    return recipe.model_copy(update={"rebake": recipe.rebake.model_copy(update={"until": until})})


def installed_at(current: CurrentImage) -> datetime.datetime:
    """Return as of when the image has its Python packages: its own date, or when they came."""
    known = (current.summary.recipe.get("rebake") or {}).get("until") or ""
    steps = [step.at for step in current.summary.steps if step.step == INSTALLS]
    found = next(filter(None, map(parse_timestamp, (known, *steps))), current.accepted)
    return min(found, current.accepted).astimezone(datetime.UTC)


def begin_rebake(
    recipe: Recipe,
    recipe_path: str,
    store: RunStore,
    *,
    flow_run_id: str,
    reason: str,
    previous_run_id: str,
) -> Run:
    """Begin the run of a flow run, and mark it as a rebake; may be repeated after a kill.

    `recipe` has its date already (`with_date`).

    Raises:
        RunStoreError: the store failed.
    """
    run_id = choose_run_id(flow_run_id, recipe, store)
    mark = RebakeMark(
        run_id=run_id,
        began=datetime.datetime.now(datetime.UTC),
        reason=reason,
        recipe_digest=written_digest(recipe),
        previous_run_id=previous_run_id,
    )
    keep_mark(mark, recipe, store)
    return registry.new_run(recipe, recipe_path, store, run_id=run_id, flow_run_id=flow_run_id)
