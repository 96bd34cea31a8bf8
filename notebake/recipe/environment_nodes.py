"""Reads the content of an environment.yml with the line numbers of its entries."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from notebake.recipe.requirement_text import lines_for_uv, without_comment


@dataclass(frozen=True)
class Environment:
    """The content of an environment.yml."""

    channels: tuple[str, ...] = ()
    """In the order of the file, best first."""
    specs: dict[str, int] = field(default_factory=dict)
    """conda's packages with their line numbers."""
    pip: str = ""
    """The packages under pip in uv's format, each in its line."""
    variables: dict[str, str] = field(default_factory=dict)
    """The variables that the activation of the environment sets."""


def read_environment(text: str) -> Environment:
    """Return the content of a text without faults."""
    root = yaml.compose(text, Loader=yaml.SafeLoader) if text.strip() else None
    dependencies, variables = find_value(root, "dependencies"), find_value(root, "variables")
    pairs = variables.value if isinstance(variables, yaml.MappingNode) else []
    return Environment(
        channels=tuple(entry.value.strip() for entry in entries_of(find_value(root, "channels"))),
        specs={entry.value.strip(): line_number(entry) for entry in entries_of(dependencies)},
        pip=lines_for_uv(
            (line_number(entry), text) for entry, text in pip_entries_of(dependencies)
        ),
        variables={key.value: str(value.value) for key, value in pairs},
    )


def find_value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    """Return the value of a key, if the node is a mapping that has it."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def entries_of(node: yaml.Node | None) -> Iterator[yaml.ScalarNode]:
    """Yield the entries of a list that are plain text."""
    if isinstance(node, yaml.SequenceNode):
        yield from (entry for entry in node.value if isinstance(entry, yaml.ScalarNode))


def pip_entries_of(dependencies: yaml.Node | None) -> Iterator[tuple[yaml.ScalarNode, str]]:
    """Yield what conda leaves to pip, each entry with its text as in a requirements.txt."""
    if isinstance(dependencies, yaml.SequenceNode):
        for part in dependencies.value:
            for entry in entries_of(find_value(part, "pip")):
                yield entry, without_comment(entry.value)


def line_number(node: yaml.Node) -> int:
    """Return the line in which a node begins."""
    return int(node.start_mark.line) + 1


def line_of(node: yaml.Node) -> str:
    """Return the line of a node, for people."""
    return f"line {line_number(node)}: "
