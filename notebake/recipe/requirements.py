"""What would make a requirements.txt or an environment.yml fail on the machine, seen at once."""

import re
from collections.abc import Iterator

from notebake.recipe.fields import CREDENTIAL

LONGEST_CHARACTERS = 200_000
OTHER_FILE = re.compile(
    r"^\s*(-\s+)?(\.{0,2}/|(-r|--requirement|-c|--constraint|-e|--editable)[\s=])"
)
DEFAULT_CHANNEL = re.compile(
    r"^\s*-\s*['\"]?(defaults|https://repo\.anaconda\.com\S*)['\"]?\s*(#.*)?$"
)


def find_requirement_faults(text: str, manager: str) -> Iterator[str]:
    """Yield each thing in the text that the manager could not install from on a blank machine."""
    if not text:
        return
    if len(text) > LONGEST_CHARACTERS or "\0" in text:
        yield "is too long, or not text"
        return
    is_environment = re.search(r"^dependencies\s*:", text, flags=re.MULTILINE) is not None
    if is_environment and manager == "pip":
        yield "an environment.yml needs manager: conda"
    if not is_environment and manager == "conda":
        yield "with manager: conda this must be an environment.yml, with dependencies:"
    for number, line in enumerate(text.splitlines(), start=1):
        yield from (f"line {number}: {fault}" for fault in find_line_faults(line, manager))


def find_line_faults(line: str, manager: str) -> Iterator[str]:
    """Yield what is wrong with one line; never the line itself, which may hold a credential."""
    if OTHER_FILE.search(line):
        yield "names another file, which will not be on the machine; write out what it holds"
    if CREDENTIAL.search(line):
        yield "holds a credential, which would be kept with the recipe and enter the image"
    if manager == "conda" and DEFAULT_CHANNEL.match(line):
        yield "Anaconda's own channels ask for their terms to be accepted; use conda-forge"
