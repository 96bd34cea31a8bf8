"""What is wrong with a recipe, all at once, each with its place."""

from collections.abc import Iterator

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from notebake.recipe.messages import describe, describe_unknown
from notebake.recipe.part import ContradictionError, FieldPath
from notebake.recipe.positions import Fault, Place, PlacedList, PlacedMapping
from notebake.recipe.recipe import Recipe
from notebake.recipe.strict_yaml import Reading


def validate_reading(reading: Reading) -> tuple[Recipe | None, list[Fault]]:
    """Return the recipe, or all the faults that can be told without guessing.

    What is wrong is told and taken out, and the rest is tried again, so that a contradiction
    elsewhere is told as well; but none that may only come from what was taken out.
    """
    faults, is_first = list(reading.faults), True
    while True:
        try:
            recipe = Recipe.model_validate(reading.root)
        except ValidationError as error:
            errors = [without_alternatives(each) for each in error.errors(include_url=False)]
        else:
            return (None, faults) if faults else (recipe, [])
        told = {fault.place.path for fault in reading.faults}
        for each in errors:
            trusts_absence = is_whole(each["loc"], faults)
            found = tuple(explain(reading.root, each, trusts_absence))
            if is_first or isinstance(contradiction_of(each), ContradictionError):
                new = (fault for fault in found if fault.place.path not in told)
                faults.extend(fault for fault in new if fault not in faults)
        if not take_out(reading.root, errors):
            return None, faults
        is_first = False


def without_alternatives(error: ErrorDetails) -> ErrorDetails:
    """Return the error at the parameter itself, not at each type that it might have been."""
    if error["loc"][:2] == ("notebook", "parameters"):
        error["loc"] = error["loc"][:3]
    return error


def is_whole(part: FieldPath, faults: list[Fault]) -> bool:
    """Tell whether no field of a part was found wrong, but for entries of its lists.

    Then a field that is missing was not taken out, nor misspelt.
    """
    within = [one.place.path[len(part) :] for one in faults if one.place.path[: len(part)] == part]
    return all(len(path) == 2 and isinstance(path[1], int) for path in within)


def find_holder(
    root: PlacedMapping, path: FieldPath
) -> tuple[PlacedMapping | PlacedList, str | int]:
    """Return the container of what the path names, as far as it leads, and the step inside it."""
    holder: PlacedMapping | PlacedList = root
    for step in path[:-1]:
        value = holder.at(step)
        if not isinstance(value, PlacedMapping | PlacedList):
            return holder, step
        holder = value
    return holder, path[-1]


def find_place(root: PlacedMapping, path: FieldPath, *, at_key: bool = False) -> Place:
    """Return where the path's value stands, or its part where it has none."""
    if not path:
        return root.place
    holder, step = find_holder(root, path)
    if at_key and isinstance(holder, PlacedMapping):
        return holder.keys_at[str(step)]
    place = holder.place_at(step)
    return place or Place(holder.place.line, holder.place.column, (*holder.place.path, step))


def contradiction_of(error: ErrorDetails) -> object:
    """Return the error that one of our own checks raised, if it was one."""
    return error.get("ctx", {}).get("error")


def explain(root: PlacedMapping, error: ErrorDetails, trusts_absence: bool) -> Iterator[Fault]:
    """Yield the error as a person would put it."""
    path = error["loc"]
    cause = contradiction_of(error)
    if isinstance(cause, ContradictionError):
        for each in cause.contradictions:
            if trusts_absence or not each.by_absence:
                yield Fault(find_place(root, (*path, *each.path)), each.text)
    elif error["type"] == "extra_forbidden":
        yield Fault(find_place(root, path, at_key=True), describe_unknown(path))
    else:
        place = find_place(root, path)
        yield Fault(place, describe(error, place))


def take_out(root: PlacedMapping, errors: list[ErrorDetails]) -> bool:
    """Remove what is wrong, with the part around it if a field is missing; False if nothing was."""
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
            root.put(error["loc"][0], "stands-in")  # only a name is required at the top
            has_changed = True
    # From the back, so that no index moves before its turn.
    for owner, step in sorted(doomed, key=lambda each: str(each[1]).zfill(9), reverse=True):
        if holders[owner].has(step):
            holders[owner].take_out(step)
            has_changed = True
    return has_changed
