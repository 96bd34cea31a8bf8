"""Finds all faults of a recipe at once, each with its place."""

from collections.abc import Iterator

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from notebake.recipe.messages import describe, describe_unknown
from notebake.recipe.part import (
    ContradictionError,
    Fault,
    FieldPath,
    Part,
    Place,
    PlacedList,
    PlacedMapping,
)
from notebake.recipe.recipe import Recipe
from notebake.recipe.strict_yaml import Reading


def validate_reading(
    reading: Reading, context: dict[str, bool] | None = None
) -> tuple[Recipe | None, list[Fault]]:
    """Return the recipe, or all faults that are certain.

    Wrong values are removed and the rest is validated again, so that contradictions elsewhere are
    reported as well, except those that may result from the removal.
    """
    faults, is_first = list(reading.faults), True
    while True:
        try:
            recipe = Recipe.model_validate(reading.root, context=context)
        except ValidationError as error:
            errors = error.errors(include_url=False)
        else:
            return (None, faults) if faults else (recipe, [])
        reported = {fault.place.path for fault in reading.faults}
        for each in errors:
            if each["loc"][:2] == ("notebook", "parameters"):
                each["loc"] = each["loc"][:3]  # without the types that the value might have
            trusts_absence = is_whole(each["loc"], faults)
            found = tuple(explain(reading.root, each, trusts_absence))
            if is_first or isinstance(each.get("ctx", {}).get("error"), ContradictionError):
                new = (fault for fault in found if fault.place.path not in reported)
                faults.extend(fault for fault in new if fault not in faults)
        if not remove_wrong(reading.root, errors):
            return None, faults
        is_first = False


def is_whole(part: FieldPath, faults: list[Fault]) -> bool:
    """Return whether a part has no faults but in entries of its lists.

    Then a missing field was neither removed nor misspelt.
    """
    within = [
        fault.place.path[len(part) :] for fault in faults if fault.place.path[: len(part)] == part
    ]
    return all(len(path) == 2 and isinstance(path[1], int) for path in within)


def find_holder(
    root: PlacedMapping, path: FieldPath
) -> tuple[PlacedMapping | PlacedList, str | int]:
    """Return the innermost existing container on the path, and the next step inside it."""
    holder: PlacedMapping | PlacedList = root
    for step in path[:-1]:
        value = holder.at(step)
        if not isinstance(value, PlacedMapping | PlacedList):
            return holder, step
        holder = value
    return holder, path[-1]


def find_place(root: PlacedMapping, path: FieldPath, *, at_key: bool = False) -> Place:
    """Return the place of the path's value, or of its part if there is no value."""
    if not path:
        return root.place
    holder, step = find_holder(root, path)
    if at_key and isinstance(holder, PlacedMapping):
        return holder.keys_at[str(step)]
    place = holder.place_at(step)
    return place or Place(holder.place.line, holder.place.column, (*holder.place.path, step))


def explain(
    root: PlacedMapping,
    error: ErrorDetails,
    trusts_absence: bool,
    whole: type[Part] = Recipe,
) -> Iterator[Fault]:
    """Yield the faults in plain words; `whole` is what the root should be."""
    path = error["loc"]
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, ContradictionError):
        for each in cause.contradictions:
            if trusts_absence or not each.by_absence:
                yield Fault(find_place(root, (*path, *each.path)), each.text)
    elif error["type"] == "extra_forbidden":
        yield Fault(find_place(root, path, at_key=True), describe_unknown(path, whole))
    else:
        place = find_place(root, path)
        yield Fault(place, describe(error, place))


def remove_wrong(root: PlacedMapping, errors: list[ErrorDetails]) -> bool:
    """Remove wrong values, and parts with missing fields; return whether anything was removed."""
    doomed: set[tuple[int, str | int]] = set()
    holders: dict[int, PlacedMapping | PlacedList] = {}
    has_changed = False
    for error in errors:
        path = error["loc"][:-1] if error["type"] == "missing" else error["loc"]
        if path:
            holder, step = find_holder(root, path)
            holders[id(holder)] = holder
            doomed.add((id(holder), step))
        elif error["type"] == "missing":
            root[str(error["loc"][0])] = "stands-in"  # only a name is required at the top
            has_changed = True
    # From the back, so that no index moves before its turn.
    for owner, step in sorted(doomed, key=lambda each: str(each[1]).zfill(9), reverse=True):
        has_changed |= holders[owner].remove_at(step)
    return has_changed
