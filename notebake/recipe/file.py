"""Reads a recipe's file, and names all its faults at once; the YAML format of recipes."""

import codecs
from pathlib import Path

import yaml

from notebake.errors import RecipeError
from notebake.recipe.faults import find_place, validate_reading
from notebake.recipe.part import ACCEPTED_BEFORE, Fault, PlacedList, PlacedMapping
from notebake.recipe.recipe import Recipe
from notebake.recipe.strict_yaml import NOTHING_MADE, Reading, read_yaml

UTF_16 = (
    "is not text in UTF-8 but in UTF-16, as Windows PowerShell's > writes it; there write it by"
    " | Out-File -Encoding utf8, or convert it: iconv --from-code=UTF-16 --to-code=UTF-8"
)


def load_recipe(path: Path) -> Recipe:
    """Return the recipe in the file, with its requirements; RecipeError names all its faults."""
    return parse_recipe(read_text(path, str(path)), str(path), path.parent)


def parse_recipe(
    text: str,
    name: str,
    directory: Path | None = None,
    *,
    context: dict[str, bool] | None = None,
) -> Recipe:
    """Return the recipe in the text; RecipeError names all its faults, each after `name`.

    Without a directory the text cannot name a requirements_file.
    """
    reading = read_yaml(text, name)
    embed_requirements(reading, directory)
    make_list(reading.root, "award")
    recipe, faults = validate_reading(reading, context)
    if recipe is None:
        ordered = sorted(faults, key=lambda fault: (fault.place.line, fault.place.column))
        raise RecipeError("\n".join(f"{name}:{fault}" for fault in ordered), NOTHING_MADE)
    return recipe


def parse_stored_recipe(text: str, name: str) -> Recipe:
    """Return the recipe of a run, as a run store has it.

    It was accepted when the run began: what a later version would refuse has to be taken down, and
    resumed with a corrected recipe, all the same.
    """
    return parse_recipe(text, name, context=ACCEPTED_BEFORE)


class BlockDumper(yaml.SafeDumper):
    """YAML in which text of many lines keeps its lines."""


def represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Write text of many lines as a block."""
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


BlockDumper.add_representer(str, represent_text)


def read_text(path: Path, name: str) -> str:
    """Return the file's text; RecipeError if it cannot be read as text."""
    try:
        content = path.read_bytes()
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise RecipeError(f"{name}: {UTF_16}", NOTHING_MADE)
        return content.decode("utf-8-sig")
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise RecipeError(f"{name}: cannot be read: {reason}", NOTHING_MADE) from None
    except UnicodeDecodeError:
        raise RecipeError(f"{name}: is not text in UTF-8", NOTHING_MADE) from None


def make_list(root: PlacedMapping, field: str) -> None:
    """Replace a single entry of a list by the list; its faults keep its place."""
    value = root.get(field)
    if value is not None and not isinstance(value, PlacedList):
        entries = PlacedList(root.values_at[field])
        entries.append(value)
        entries.values_at.append(root.values_at[field])
        root[field] = entries


def embed_requirements(reading: Reading, directory: Path | None) -> None:
    """Replace software.requirements_file by the text of the file that it names."""
    software = reading.root.get("software")
    if not isinstance(software, PlacedMapping) or "requirements" in software:
        return
    relative = software.get("requirements_file")
    if not isinstance(relative, str):
        return
    place = find_place(reading.root, ("software", "requirements_file"))
    fault = ""
    if directory is None:
        fault = "needs a recipe that is read from a file; give the text under requirements"
    elif (path := (directory / relative).resolve()).is_relative_to(directory.resolve()):
        try:
            software["requirements"] = read_text(path, relative)
            software.keys_at["requirements"] = software.values_at["requirements"] = place
        except RecipeError as error:
            fault = error.message
    else:
        fault = f"{relative} is outside the recipe's folder"
    if fault:
        reading.faults.append(Fault(place, fault))
    del software["requirements_file"]
