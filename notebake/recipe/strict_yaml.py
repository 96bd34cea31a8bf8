"""YAML with the position of each value, to locate faults.

Each scalar is read as text; its field defines its meaning (`fields`). Anchors and tags are refused.
"""

from dataclasses import dataclass, field

import yaml

from notebake.errors import RecipeError
from notebake.recipe.fields import Unquoted
from notebake.recipe.part import Fault, FieldPath, Place, PlacedList, PlacedMapping

NOTHING_MADE = "Nothing has been made."
NULLS = ("~", "null", "Null", "NULL")
TEXT = "tag:yaml.org,2002:str"


@dataclass
class Reading:
    """The readable part of a text, with the faults of its YAML."""

    root: PlacedMapping
    faults: list[Fault] = field(default_factory=list)


class TextLoader(yaml.BaseLoader):
    """A YAML loader with plain text scalars and without anchors."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse anchors, which can make a short file expand without limit."""
        if self.check_event(yaml.AliasEvent):
            mark = self.get_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(None, None, "anchors (&, *) are not read; repeat it", mark)
        return super().compose_node(parent, index)


def read_yaml(text: str, name: str, *, kind: str = "a recipe", begins: str = "name: x") -> Reading:
    """Return the mapping in the text; RecipeError if there is none.

    `kind` is what the text should be, and `begins` a line of it.
    """
    try:
        node = yaml.compose(text, Loader=TextLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{mark.line + 1}:{mark.column + 1}: " if mark else ""
        raise RecipeError(f"{name}:{place}{describe_syntax(error)}", NOTHING_MADE) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, int(error.position)) + 1
        raise RecipeError(
            f"{name}:{line}:1: a character that YAML does not allow", NOTHING_MADE
        ) from None
    if node is None:
        raise RecipeError(
            f"{name}:1:1: the file is empty; {kind} needs at least {begins}", NOTHING_MADE
        )
    if not isinstance(node, yaml.MappingNode):
        raise RecipeError(
            f"{name}:1:1: {kind} is made of fields, one per line, such as {begins}", NOTHING_MADE
        )
    reading = Reading(PlacedMapping(place_of(node, ())))
    fill_mapping(node, reading.root, reading.faults)
    return reading


def describe_syntax(error: yaml.MarkedYAMLError) -> str:
    """Return the parser's complaint as one line."""
    problem = error.problem or "this is not YAML"
    if "'\\t'" in problem:
        return "a tab; YAML is indented with spaces only"
    context = f"{error.context}: " if error.context else ""
    return f"{context}{problem}".replace("\n", " ")


def place_of(node: yaml.Node, path: FieldPath) -> Place:
    """Return where the node begins."""
    return Place(node.start_mark.line + 1, node.start_mark.column + 1, path)


def fill_mapping(node: yaml.MappingNode, mapping: PlacedMapping, faults: list[Fault]) -> None:
    """Read the node's fields into the mapping."""
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            faults.append(Fault(place_of(key_node, mapping.place.path), "a field needs a name"))
            continue
        key = key_node.value
        place = place_of(key_node, (*mapping.place.path, key))
        if key in mapping.keys_at:
            first = mapping.keys_at[key].line
            faults.append(Fault(place, f"is given twice, first in line {first}"))
            continue
        mapping.keys_at[key] = place
        value, problem = read_value(value_node, place.path, faults)
        if problem:
            faults.append(Fault(place, problem))
            continue
        mapping[key] = value
        mapping.values_at[key] = place_of(value_node, place.path)


def read_list(node: yaml.SequenceNode, path: FieldPath, faults: list[Fault]) -> PlacedList:
    """Return the node's entries."""
    entries = PlacedList(place_of(node, path))
    for index, entry in enumerate(node.value):
        place = place_of(entry, (*path, index))
        value, problem = read_value(entry, place.path, faults)
        if problem:
            faults.append(Fault(place, problem))
            continue
        entries.append(value)
        entries.values_at.append(place)
    return entries


def read_value(node: yaml.Node, path: FieldPath, faults: list[Fault]) -> tuple[object, str]:
    """Return the node's value, and the fault of the node itself or ""."""
    if isinstance(node, yaml.MappingNode):
        mapping = PlacedMapping(place_of(node, path))
        fill_mapping(node, mapping, faults)
        return mapping, ""
    if isinstance(node, yaml.SequenceNode):
        return read_list(node, path, faults), ""
    if not isinstance(node, yaml.ScalarNode) or node.tag != TEXT:
        return None, f"YAML tags such as {node.tag} are not read"
    if node.style:
        return node.value, ""
    if not node.value:
        return None, "is empty; give it a value, or remove the line"
    return None if node.value in NULLS else Unquoted(node.value), ""
