"""Every field of a recipe with its default and meaning, for docs/recipe.md.

`python -m docs.recipe_table` prints the table.
"""

import ast
import inspect
import itertools
import sys
from collections.abc import Iterator

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from notebake.recipe.messages import part_in
from notebake.recipe.part import Part
from notebake.recipe.recipe import Recipe

BEGIN = "<!-- recipe:begin -->"
END = "<!-- recipe:end -->"
HEAD = "| field | unit, limits | default | meaning |\n| --- | --- | --- | --- |\n"
UNITS = {"gib": "GiB", "seconds": "s", "hours": "h", "second": "MiB/s", "iops": "1/s"}


def recipe_table() -> str:
    """Return the table in Markdown, as it stands between the two marks."""
    return HEAD + "".join(f"| {' | '.join(row)} |\n" for row in describe(Recipe))


def describe(part: type[Part], prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Yield each field's path, unit, default and meaning; a part's own fields come after it."""
    meanings = read_meanings(part)
    for name, field in part.model_fields.items():
        inner = part_in(field.annotation)
        is_list = str(field.annotation).startswith("tuple[")
        path = f"{prefix}{name}"
        meaning = " ".join(meanings.get(name, "").split()).replace("|", "\\|")
        yield f"`{path}`", describe_unit(name, field), describe_default(field, inner), meaning
        if inner:
            yield from describe(inner, f"{path}[].") if is_list else describe(inner, f"{path}.")


def read_meanings(part: type[Part]) -> dict[str, str]:
    """Return the text below each field, from the source; those of what it builds on come first.

    Pydantic can read them too, but then it does so whenever a part is imported.
    """
    found: dict[str, str] = {}
    for owner in reversed([each for each in part.__mro__ if issubclass(each, Part)]):
        body = ast.parse(inspect.getsource(owner)).body[0]
        lines = body.body if isinstance(body, ast.ClassDef) else []
        for field, text in itertools.pairwise(lines):
            match field, text:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(meaning))),
                ):
                    found[name] = meaning
    return found


def describe_unit(name: str, field: FieldInfo) -> str:
    """Return the unit that the name ends in, and the least and most that are accepted."""
    least = next((str(each.ge) for each in field.metadata if isinstance(each, Ge)), None)
    most = next((str(each.le) for each in field.metadata if isinstance(each, Le)), None)
    limits = f"{least} to {most}" if least and most else f"at least {least}" if least else ""
    return ", ".join(filter(None, (UNITS.get(name.rsplit("_", 1)[-1]), limits)))


def describe_default(field: FieldInfo, inner: type[Part] | None) -> str:
    """Return the default as one writes it in YAML, or what takes its place."""
    default = field.default
    if default is PydanticUndefined:
        return "**required**"
    if default is None or default in ("", (), {}):
        return "none"
    if inner:
        return "as below"
    if isinstance(default, tuple):
        return f"`[{', '.join(default)}]`"
    return f"`{default}`"


if __name__ == "__main__":
    sys.stdout.write(recipe_table())
