"""Which fields of the recipe have changed since the image was made, and which change the image."""

import re
from collections.abc import Iterator
from typing import Any

from notebake.images.updates.current import CurrentImage
from notebake.images.updates.field_changes import compare_values
from notebake.images.updates.finding import CauseFinding, Change, State
from notebake.recipe import Part, Recipe
from notebake.runbook.plan import step_digest

LAST_STEP = "clean_host"
"""Its digest covers all that is in the image."""
NO_NEW_IMAGE = "needs no new image"
COMMENT = re.compile(r"(^|[ \t]+)#.*$", re.MULTILINE)
"""As pip and YAML know them: what follows a # that begins a word."""


def check_recipe(current: CurrentImage, recipe: Recipe) -> CauseFinding:
    """Compare the recipe with that of the run; comments, and the order of fields, do not count.

    Raises:
        RunStoreError: the run store does not have that recipe any more.
        RecipeError: this version of notebake cannot read it.
    """
    before, now = plain_recipe(current.read_recipe()), plain_recipe(recipe)
    state: State = "changed" if _digest(before) != _digest(now) else "unchanged"
    return CauseFinding(
        cause="recipe",
        state=state,
        how=f"Each field was compared with the recipe that run {current.run_id} has kept.",
        changes=tuple(compare_recipes(before, now)),
    )


def compare_recipes(before: Recipe, now: Recipe) -> list[Change]:
    """Return what differs, by dotted names: first what changes the image, then the rest."""
    important: list[Change] = []
    others: list[Change] = []
    for path in _paths(before, now):
        changes = [*compare_values(".".join(path), _value(before, path), _value(now, path))]
        if not changes:
            continue
        if _digest(_with_value(before, now, path)) != _digest(before):
            important += changes
        else:
            others += [change.model_copy(update={"detail": NO_NEW_IMAGE}) for change in changes]
    return [*important, *others]


def plain_recipe(recipe: Recipe) -> Recipe:
    """Return the recipe without what makes no difference to a reader who compares two.

    These are comments and blank lines of its requirements, and what a rebake has set.
    """
    if recipe.rebake:
        recipe = recipe.model_copy(update={"rebake": recipe.rebake.as_written()})
    text = recipe.software.requirements
    if text is None:
        return recipe
    lines = (line.rstrip() for line in COMMENT.sub("", text).splitlines())
    bare = "\n".join(line for line in lines if line)
    software = recipe.software.model_copy(update={"requirements": bare})
    return recipe.model_copy(update={"software": software})


def _digest(recipe: Recipe) -> str:
    return step_digest(recipe, LAST_STEP)


def _paths(before: Recipe, now: Recipe) -> Iterator[tuple[str, ...]]:
    """Yield the fields of both recipes, and those of its parts instead of a part."""
    for name in Recipe.model_fields:
        values = (getattr(before, name), getattr(now, name))
        part = next((value for value in values if isinstance(value, Part)), None)
        if part is None:
            yield (name,)
        else:
            yield from ((name, inner) for inner in type(part).model_fields)


def _value(recipe: Recipe, path: tuple[str, ...]) -> Any:
    """Return a field in the plain values of JSON; None if its part is not there."""
    value: Any = recipe.model_dump(mode="json", include={path[0]})
    for name in path:
        value = None if value is None else value[name]
    return value


def _with_value(before: Recipe, now: Recipe, path: tuple[str, ...]) -> Recipe:
    """Return the earlier recipe with one field as it is now, unchecked."""
    value, part = getattr(now, path[0]), getattr(before, path[0])
    if len(path) > 1 and isinstance(part, Part) and isinstance(value, Part):
        value = part.model_copy(update={path[1]: getattr(value, path[1])})
    return before.model_copy(update={path[0]: value})
