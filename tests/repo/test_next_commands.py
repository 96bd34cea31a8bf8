"""What a person types next is data: only who prints it knows where the run store lies."""

import re
from pathlib import Path

from flows.cli.commands import COMMANDS

ROOT = Path(__file__).parents[2]
NAMES = "|".join(command.name for command in COMMANDS)
# In a text that is put together, as in f"Type: notebake resume {run.id}".
HIDDEN = re.compile(rf"notebake ({NAMES}) \{{")


def test_no_next_command_is_hidden_in_a_message() -> None:
    sources = [
        path for folder in ("flows", "notebake", "tasks") for path in (ROOT / folder).rglob("*.py")
    ]
    hiding = [path for path in sources if HIDDEN.search(path.read_text(encoding="utf-8"))]

    assert len(sources) > 100, "the sources are where we look for them"
    assert HIDDEN.search('f"Type: notebake resume {run.id}"')
    assert hiding == []
