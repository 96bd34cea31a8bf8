"""What would make a requirements.txt or an environment.yml fail on the machine, seen at once.

pip's own format: https://pip.pypa.io/en/stable/reference/requirements-file-format/
"""

import re
from collections.abc import Iterator

from notebake.recipe.environment_file import (
    find_environment_faults,
    is_environment_file,
)
from notebake.recipe.requirement_line import (
    CREDENTIAL_FAULT,
    find_requirement_fault,
    holds_credential,
)

LONGEST_CHARACTERS = 200_000


def find_requirement_faults(text: str | None, manager: str) -> Iterator[str]:
    """Yield each thing in the text that the manager could not install from on a blank machine.

    Never the text itself, which may hold a credential.
    """
    if text is None:
        return
    if len(text) > LONGEST_CHARACTERS or "\0" in text:
        yield "is too long, or not text"
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


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each requirement with the number of its first line: a backslash goes on, # ends it."""
    begun: list[str] = []
    first = 1
    for number, line in enumerate(text.splitlines(), start=1):
        first = first if begun else number
        begun.append(line.removesuffix("\\"))
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            continue
        yield first, re.sub(r"(^|\s)#.*", "", "".join(begun)).strip()
        begun = []
    if begun:
        yield first, "".join(begun).strip()
