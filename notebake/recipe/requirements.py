"""Finds the faults of a requirements.txt or environment.yml that would make it fail on the machine.

pip's own format: https://pip.pypa.io/en/stable/reference/requirements-file-format/
"""

import re
from collections.abc import Iterator

from notebake.recipe.environment_file import (
    find_environment_faults,
    find_environment_notes,
    is_environment_file,
)
from notebake.recipe.requirement_line import (
    CREDENTIAL_FAULT,
    EDITABLE_NOTE,
    find_requirement_fault,
    holds_credential,
    without_editing,
)
from notebake.recipe.requirement_options import IN_FULL, read_line

MAX_CHARACTERS = 200_000
COMMENT = re.compile(r"(^|\s+)#.*$")
"""pip/_internal/req/req_file.py, COMMENT_RE."""


def find_requirement_faults(text: str | None, manager: str) -> Iterator[str]:
    """Yield each fault that prevents an installation on a new machine.

    No message repeats the text, which may hold a credential.
    """
    if text is None:
        return
    if len(text) > MAX_CHARACTERS:
        yield f"is longer than {MAX_CHARACTERS} characters"
        return
    if "\0" in text:
        yield (
            "is not text in UTF-8; if it is UTF-16, convert it:"
            " iconv --from-code=UTF-16LE --to-code=UTF-8"
        )
        return
    if not text.strip():
        yield "is empty, and would change nothing; leave it out"
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if holds_credential(line):
            yield f"line {number}: {CREDENTIAL_FAULT}"
    if manager == "conda":
        yield from find_environment_faults(text)
    elif is_environment_file(text):
        yield "an environment.yml needs manager: conda"
    else:
        for number, line in logical_lines(text):
            if not holds_credential(line) and (fault := find_requirement_fault(line)):
                yield f"line {number}: {fault}"


def find_requirement_notes(text: str | None, manager: str) -> Iterator[str]:
    """Yield the lines with a changed meaning, in a text without faults."""
    if text is None:
        return
    if manager == "conda":
        yield from find_environment_notes(text)
        return
    for number, line in logical_lines(text):
        if line and "editables" in read_line(line).options:
            yield f"line {number}: {EDITABLE_NOTE}"


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
            yield first, COMMENT.sub("", "".join(begun)).strip()
            begun = []
    if begun:
        yield first, COMMENT.sub("", "".join(begun)).strip()


def requirements_for_uv(text: str) -> str:
    """Return the requirements in uv's format, each in the line where it begins.

    Unlike pip, uv does not support comments between continued lines, short options without a space,
    several options on one line, and editable requirements from git.
    """
    placed: dict[int, str] = {}
    behind: list[str] = []
    last = 0
    for number, line in logical_lines(text):
        last = number
        read = read_line(line)
        whole = [f"{IN_FULL[name]} {value}".strip() for name, value in read.of_the_file]
        whole += map(without_editing, read.options.get("editables", ()))
        if read.requirement:
            hashes = (f"--hash={digest}" for digest in read.options.get("hashes", ()))
            whole.insert(0, " ".join((read.requirement, *hashes)))
        placed[number], more = (whole[0], whole[1:]) if whole else ("", [])
        behind += more
    lines = [placed.get(number, "") for number in range(1, last + 1)]
    return "".join(f"{line}\n" for line in (*lines, *behind))
