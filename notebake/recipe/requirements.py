"""Finds the faults of a requirements.txt or environment.yml that would make it fail on the machine.

pip's own format: https://pip.pypa.io/en/stable/reference/requirements-file-format/
"""

from collections.abc import Iterator

from notebake.recipe.environment_file import (
    find_environment_faults,
    find_environment_notes,
    is_environment_file,
)
from notebake.recipe.program_output import find_program_fault
from notebake.recipe.requirement_line import (
    CREDENTIAL_FAULT,
    EDITABLE_NOTE,
    find_requirement_fault,
    holds_credential,
)
from notebake.recipe.requirement_options import read_line
from notebake.recipe.requirement_text import lines_for_uv, logical_lines

MAX_CHARACTERS = 200_000


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
    if fault := find_program_fault(text):
        yield fault
    elif manager == "conda":
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


def requirements_for_uv(text: str) -> str:
    """Return the requirements in uv's format, each in the line where it begins."""
    return lines_for_uv(logical_lines(text))
