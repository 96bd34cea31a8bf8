"""Finds the parts of an environment.yml that conda would refuse or leave out."""

from collections.abc import Iterator

import yaml

from notebake.recipe.environment_nodes import find_value, line_number, line_of
from notebake.recipe.requirement_line import NOT_A_REQUIREMENT

LIST = "must be a list, with a - before each"


def find_structure_faults(root: yaml.Node | None, dependencies: yaml.SequenceNode) -> Iterator[str]:
    """Yield each part that is not what conda reads in its place, with its line."""
    yield from _given_twice(root)
    for key in _keys(root):
        if key.value == "pip":
            yield f"{line_of(key)}pip belongs into the list of dependencies, as - pip:"
    channels = find_value(root, "channels")
    if isinstance(channels, yaml.ScalarNode) and channels.value:
        yield f"{line_of(channels)}channels {LIST}"
    for entry in _not_text(channels):
        yield f"{line_of(entry)}is not the name of a channel, nor its address"
    for entry in _not_text(dependencies):
        yield from _given_twice(entry)
        pip = find_value(entry, "pip")
        if pip is None:
            yield f"{line_of(entry)}is neither a package nor pip: with a list of packages"
        elif not isinstance(pip, yaml.SequenceNode) and pip.value:
            yield f"{line_of(pip)}pip {LIST}"
        for part in _not_text(pip):
            yield f"{line_of(part)}{NOT_A_REQUIREMENT}"


def _given_twice(mapping: yaml.Node | None) -> Iterator[str]:
    """Yield each repeated key of a mapping; conda refuses them, and other parsers take one."""
    first: dict[str, int] = {}
    for key in _keys(mapping):
        if key.value in first:
            yield f"{line_of(key)}{key.value} is given twice, first in line {first[key.value]}"
        first.setdefault(key.value, line_number(key))


def _keys(node: yaml.Node | None) -> Iterator[yaml.ScalarNode]:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    yield from (key for key, _ in pairs if isinstance(key, yaml.ScalarNode))


def _not_text(node: yaml.Node | None) -> list[yaml.Node]:
    """Return the entries of a list that are lists or mappings themselves."""
    entries = node.value if isinstance(node, yaml.SequenceNode) else []
    return [entry for entry in entries if not isinstance(entry, yaml.ScalarNode)]
