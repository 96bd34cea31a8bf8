"""What a command prints with `--json`, read as a script would, and held against its help."""

import datetime
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from flows.cli.commands import CommandFile, find_command, load_command
from flows.cli.history import SUBCOMMANDS
from flows.cli.main import main

LISTING = {
    *("check", "costs", "diff", "explain", "history", "images", "plan", "prune", "survey", "sweep"),
}


def document(
    words: list[str], capsys: pytest.CaptureFixture[str], *, code: int = 0
) -> dict[str, Any]:
    """Return the one document that is all of standard output; it has exactly the fields told."""
    assert main([*words, "--json"]) == code
    printed = capsys.readouterr().out
    found: dict[str, Any] = json.loads(printed)
    fields: Mapping[str, str] = file_of(words).FIELDS  # type: ignore[attr-defined]
    expected = {
        field.partition("[]")[0] if is_empty_list(found, field) else field for field in fields
    }
    assert set(paths_in(found)) == expected
    return found


def file_of(words: list[str]) -> CommandFile:
    """Return the file of the command, or of its subcommand, that the words name."""
    name = next(word for word in words if word in LISTING)
    if name != "history":
        return load_command(find_command(name))
    subcommand = words[words.index(name) + 1]
    return load_command(next(each for each in SUBCOMMANDS if each.name == subcommand))


def is_empty_list(found: Mapping[str, Any], field: str) -> bool:
    """Tell whether a field lies in a list that has nothing in it."""
    name, is_in_list, _ = field.partition("[]")
    return bool(is_in_list) and not found[name]


def paths_in(found: Mapping[str, Any]) -> Iterator[str]:
    """Give the names of all fields, those of what is listed as `resources[].id`."""
    for name, value in found.items():
        rows = [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
        if rows:
            yield from {f"{name}[].{each}" for row in rows for each in row}
        else:
            yield name


def is_utc_time(text: str) -> bool:
    """Tell whether a text is a time as ISO 8601 has it, in UTC."""
    return datetime.datetime.fromisoformat(text).utcoffset() == datetime.timedelta(0)
