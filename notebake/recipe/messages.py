"""Messages about faulty fields in plain words."""

import difflib
from collections.abc import Iterator
from typing import get_args

from pydantic_core import ErrorDetails

from notebake.recipe.fields import SHORT, read_unquoted
from notebake.recipe.part import FieldPath, Part, Place
from notebake.recipe.recipe import Recipe

WORDS = {
    "int": "must be a whole number",
    "float": "must be a number",
    "bool": "must be true or false",
    "string": "must be text",
    "tuple": "must be a list, such as [a, b]",
    "dict": "must hold names and values, one per line",
    "model": "must hold fields, one per line",
}


def describe(error: ErrorDetails, place: Place) -> str:
    """Return what is wrong with the value of a known field."""
    context, kind = error.get("ctx", {}), error["type"]
    given = repeat(read_unquoted(error["input"]))
    if kind == "missing":
        return "is missing"
    if kind == "value_error":
        return str(context["error"])
    if kind in ("enum", "literal_error"):
        expected = str(context["expected"]).replace("'", "")
        return f"must be {expected}, {given or 'not that'}"
    if kind == "greater_than_equal":
        return f"must be at least {context['ge']:g}, {given}"
    if kind == "less_than_equal":
        return f"must be at most {context['le']:g}, {given}"
    if kind in ("too_long", "string_too_long", "too_short"):
        limit = context.get("max_length") or context.get("min_length")
        word = "characters" if kind.startswith("string") else "entries"
        return f"must have at {'least' if kind == 'too_short' else 'most'} {limit} {word}"
    if place.path[:-1] == ("notebook", "parameters"):
        return "must be text, a number, or true or false"
    words = WORDS.get(kind.split("_", 1)[0])
    return f"{words}, {given}".rstrip(", ") if words else error["msg"]


def repeat(value: object) -> str:
    """Return `not` and the value as YAML writes it; nothing for what is not one line."""
    if value is None or isinstance(value, bool):
        return f"not {'null' if value is None else str(value).lower()}"
    return f"not {SHORT.repr(value)}" if isinstance(value, str | int | float) else ""


def describe_unknown(path: FieldPath, whole: type[Part] = Recipe) -> str:
    """Return the message for an unknown field, with a similar known one."""
    name, part = str(path[-1]), part_at(path[:-1], whole)
    near = difflib.get_close_matches(name, part.model_fields, n=1)
    if near:
        return f"unknown field; did you mean {near[0]}?"
    for owner, inner in parts_of(whole):
        if name in inner.model_fields:
            return f"unknown field; did you mean {f'{owner}.' if owner else ''}{name}?"
    return f"unknown field; here may stand: {', '.join(part.model_fields)}"


def part_at(path: FieldPath, whole: type[Part]) -> type[Part]:
    """Return the part at the path, or the last one on the way."""
    part = whole
    for step in path:
        if isinstance(step, str) and step in part.model_fields:
            part = part_in(part.model_fields[step].annotation) or part
    return part


def part_in(annotation: object) -> type[Part] | None:
    """Return the part inside an annotation such as tuple[Volume, ...] or Repository | None."""
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    return next((part for each in get_args(annotation) if (part := part_in(each))), None)


def parts_of(part: type[Part]) -> Iterator[tuple[str, type[Part]]]:
    """Yield the part itself and the parts directly below it, each with its field's name."""
    yield "", part
    for name, each in part.model_fields.items():
        if inner := part_in(each.annotation):
            yield name, inner
