"""Command lines as documents show them, taken apart and tried on the parsers of the programs."""

import re
import shlex
from collections.abc import Callable, Iterator, Sequence

import pytest

from flows.cli.commands import COMMANDS
from flows.cli.parser import parse
from tests.docs.markdown import Document

SHELL_WORDS = (
    *("notebake", ".venv/bin/notebake", "notebake-sandbox", "make"),
    *("python", ".venv/bin/python", "pytest"),
)
"""The first words of the commands that are ours to check."""
OTHERS = ("aws", "export", "git", "ssh", "sudo", "uv", "prefect")
"""The first words of commands that other programs carry out."""


def parse_notebake(words: Sequence[str]) -> None:
    """Parse a command line of notebake, as the program does, without carrying it out.

    Raises:
        SystemExit: the program refuses the words.
    """
    parse(list(words))


def notebake_commands() -> set[str]:
    """Return the names of all commands of notebake."""
    return {command.name for command in COMMANDS}


def commands_in(document: Document) -> Iterator[str]:
    """Give each command line in the code blocks of a document, and those between backticks."""
    for language, text in document.code_blocks():
        if language in {"", "sh", "console"}:
            yield from _lines_of(text)
    yield from (each for each in document.code_words() if is_command(each))


def _lines_of(text: str) -> Iterator[str]:
    joined = re.sub(r"\\\n\s*", "", text)
    yield from (line for line in map(_without_comment, joined.splitlines()) if line)


def _without_comment(line: str) -> str:
    return re.split(r"(?:^|\s)#\s", line, maxsplit=1)[0].strip()


def is_command(text: str) -> bool:
    """Tell whether text between backticks is a whole command of ours, and not a name or a value."""
    first, *others = words_of(text) or [""]
    is_name = first == "notebake" and len(others) == 1 and others[0] in notebake_commands()
    return first in SHELL_WORDS and bool(others) and not is_name


def words_of(line: str) -> list[str]:
    """Return the words of a line without leading variables and the brackets of options."""
    try:
        words = shlex.split(re.sub(r"[\[\]…]", "", line))
    except ValueError:
        return []
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        del words[0]
    return words


def accepts(check: Callable[[], object]) -> bool:
    """Tell whether a parser takes the words that it is given."""
    try:
        check()
    except SystemExit:
        return False
    return True


def fail_unless(is_right: object, line: str, why: str) -> None:
    """Fail with the line of the document."""
    if not is_right:
        pytest.fail(f"`{line}`: {why}")
