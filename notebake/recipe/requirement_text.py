"""Splits the text of a requirements file into lines as pip does, and rewrites these for uv."""

import re
from collections.abc import Iterable, Iterator

from notebake.recipe.requirement_line import without_editing
from notebake.recipe.requirement_options import IN_FULL, ReadLine, read_line

COMMENT = re.compile(r"(^|\s+)#.*$")
"""pip/_internal/req/req_file.py, COMMENT_RE."""
OF_NAMES = ("no_binary", "only_binary")
"""Options that have several names for pip, and one for uv."""


def without_comment(line: str) -> str:
    """Return a line without a comment and outer blanks."""
    return COMMENT.sub("", line).strip()


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each requirement with the number of its first line, without comments, as in pip.

    A comment line ends a continued line (pip/_internal/req/req_file.py, join_lines).
    """
    begun: list[str] = []
    first = 1
    for number, line in enumerate(text.splitlines(), start=1):
        is_comment = COMMENT.match(line) is not None
        goes_on = line.endswith("\\") and not is_comment
        first = first if begun else number
        begun.append(line.strip("\\") if goes_on else f" {line}" if is_comment else line)
        if not goes_on:
            yield first, without_comment("".join(begun))
            begun = []
    if begun:
        yield first, without_comment("".join(begun))


def lines_for_uv(lines: Iterable[tuple[int, str]]) -> str:
    """Return logical lines in uv's format, each at its number, so that uv's messages name it.

    Unlike pip, uv does not support comments between continued lines, short options without a space,
    several options on one line, several names of an option, and editable requirements from git.
    What does not fit into its line is at the end.
    """
    placed: dict[int, str] = {}
    behind: list[str] = []
    for number, line in lines:
        first, *more = _parts_for_uv(read_line(line)) or [""]
        if placed.get(number):
            more.insert(0, first)
        else:
            placed[number] = first
        behind += more
    numbers = range(1, max(placed, default=0) + 1)
    return "".join(f"{line}\n" for line in (*(placed.get(at, "") for at in numbers), *behind))


def _parts_for_uv(read: ReadLine) -> list[str]:
    parts = []
    if read.requirement:
        hashes = (f"--hash={digest}" for digest in read.options.get("hashes", ()))
        parts.append(" ".join((read.requirement, *hashes)))
    for name, value in read.of_the_file:
        values = filter(None, value.split(",")) if name in OF_NAMES else (value,)
        parts += (f"{IN_FULL[name]} {each}".strip() for each in values)
    return [*parts, *map(without_editing, read.options.get("editables", ()))]
