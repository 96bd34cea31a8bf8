"""Finds the fault of one requirement line for pip and uv on a new machine.

packaging parses names, versions and markers; options are parsed as by pip. A message repeats no
more of the line than the package's name, as the line may hold a credential.
"""

import re

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement

from notebake.recipe.fields import CREDENTIAL
from notebake.recipe.requirement_address import ADDRESS, BY_SSH, find_address_fault, is_path
from notebake.recipe.requirement_names import find_name_fault
from notebake.recipe.requirement_options import IN_FULL, OptionError, ReadLine, read_line

NOT_A_REQUIREMENT = (
    "is not a package that pip can parse; write name==VERSION, each on a line of its own"
)
CREDENTIAL_FAULT = "holds a credential, which would be kept with the recipe and enter the image"
EDITABLE_NOTE = (
    "what -e takes from git is installed as a package, not as an editable folder, as uv cannot"
)
CONDA_TOKEN = re.compile(r"https?://[^/\s]+(?:/[^\s]*)?/t/[A-Za-z]{2}-[0-9a-fA-F-]{8,}")

NAME = r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*"
CONDA_STYLE = re.compile(rf"{NAME}=\s*(?P<version>[A-Za-z0-9.*]+)(?:=\S*)?")
# packaging accepts only a URL there, pip also a path.
AT = re.compile(rf"{NAME}@\s*(?P<address>\S.*)")
PLACES = ("find_links", "index_urls", "extra_index_urls")
OWN_FILES = ("requirements", "constraints")
NOT_OF_UV = ("settings", "global_options", "install_options")
VARIABLE = re.compile(r"\$\{[A-Z0-9_]+\}")
EGG = re.compile(r"[#&]egg=(?P<egg>[A-Za-z0-9._-]+(?:\[[^\]]*\])?)")
FOLDER = re.compile(r"[#&]subdirectory=(?P<folder>[^&\s]+)")


def holds_credential(line: str) -> bool:
    """Return whether a URL in a line contains a user name, a password or a token."""
    return CREDENTIAL.search(line) is not None or CONDA_TOKEN.search(line) is not None


def find_requirement_fault(line: str) -> str | None:
    """Return why a requirement cannot be installed on a new machine, and what to write."""
    line = line.strip()
    if not line:
        return None
    if VARIABLE.search(line):
        return "takes a value from another machine's environment; write it out"
    try:
        read = read_line(line)
    except OptionError:
        if line.startswith("-"):
            return "is not an option that pip accepts in a file"
        return NOT_A_REQUIREMENT
    return _options_fault(read) or _requirement_fault(read.requirement)


def _requirement_fault(text: str) -> str | None:
    if not text:
        return None
    if BY_SSH.match(text):
        return find_address_fault(text)
    if at := AT.fullmatch(text):
        return find_address_fault(at["address"], at["name"]) or _syntax_fault(text)
    if ADDRESS.match(text) or is_path(text):
        return find_address_fault(text) or _marker_fault(text)
    return _syntax_fault(text)


def _syntax_fault(text: str) -> str | None:
    try:
        return find_name_fault(Requirement(text))
    except InvalidRequirement:
        if style := CONDA_STYLE.fullmatch(text):
            return f"is in conda's style; with pip write {style['name']}=={style['version']}"
        return NOT_A_REQUIREMENT


def _marker_fault(text: str) -> str | None:
    """Return the fault of the marker after an address, from which a space separates it."""
    _, semicolon, marker = text.partition(" ;")
    try:
        if semicolon:
            Marker(marker.strip())
    except InvalidMarker:
        return "has an invalid condition after its ;"
    return None


def _options_fault(read: ReadLine) -> str | None:
    for name, value in read.of_the_file:
        is_address = re.match(r"https?://", value) is not None
        if name in OWN_FILES and not is_address:
            return "names another file, which will not be on the machine; write out its content"
        if name in PLACES and not is_address:
            return (
                "names a folder of another machine; leave it out, or write the address of an index"
                " by https"
            )
    if read.requirement and (read.of_the_file or "editables" in read.options):
        return "has an option after a package; write it on a line of its own"
    for name in NOT_OF_UV:
        if name in read.options:
            return f"has {IN_FULL[name]}, which uv does not accept in a file; leave it out"
    for value in read.options.get("editables", ()):
        if fault := find_address_fault(value) or _marker_fault(value):
            return fault
    return None


def without_editing(value: str) -> str:
    """Return an editable requirement from git as a package, as uv does not support the former.

    `#egg=` and `subdirectory=` keep their meaning (pip's documentation, "VCS Support").
    """
    address, semicolon, marker = value.partition(" ;")
    egg, folder = EGG.search(address), FOLDER.search(address)
    bare = address.partition("#")[0].strip()
    text = f"{egg['egg']} @ {bare}" if egg else bare
    text += f"#subdirectory={folder['folder']}" if folder else ""
    return f"{text} ;{marker}" if semicolon else text
