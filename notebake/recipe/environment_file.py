"""Finds the faults of an environment.yml that would make it fail on the machine, by line."""

import re
from collections.abc import Iterator

import yaml

from notebake.conda.channels import is_anaconda
from notebake.recipe.environment_nodes import (
    entries_of,
    find_value,
    line_of,
    pip_entries_of,
)
from notebake.recipe.environment_structure import LIST, find_structure_faults
from notebake.recipe.requirement_line import (
    EDITABLE_NOTE,
    find_requirement_fault,
    holds_credential,
)
from notebake.recipe.requirement_names import OF_ANOTHER_SYSTEM
from notebake.recipe.requirement_options import read_line

OF_ANACONDA = (
    "is replaced by conda-forge: Anaconda's own channels require each user to accept their terms"
)
FOREIGN = re.compile(
    r"(vs20\d\d_runtime|vc|vc\d*_runtime|vcomp\d*|ucrt|pywin32|pywinpty|winpty|wincertstore"
    r"|win_inet_pton|win_unicode_console|console_shortcut|m2w64-.*|msys2-conda-epoch"
    r"|appnope|pyobjc-.*|python\.app|.*_(osx|win)-(64|arm64))"
)
"""Packages of conda-forge that are for Windows or macOS alone."""
OTHER_HOME = re.compile(r"[A-Za-z]:[\\/]|/Users/|/opt/homebrew/|/usr/local/Caskroom/")
SPECIFICATION = re.compile(
    r"(?:(?P<channel>\S+?)::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*)\s*"
    r"(?:=\s*(?P<version>[^\s=<>]+)\s*=\s*(?P<build>[^\s=\]]+)|(?P<more>[\s=<>!~*\[].*))?"
)
OF_ANOTHER_COMPUTER = re.compile(r"local|file:.*|[./~].*|.*\\.*")
CHANNEL_FAULT = (
    "names a channel on another computer, which will not be on the machine; leave it out, or write"
    " the channel's address by https"
)
NOT_A_SPECIFICATION = "is not a package specification of conda; write name=VERSION"
EXTRAS = re.compile(r"\[[^\]=]*\]")
"""conda's own brackets hold pairs such as version=..."""
BUILT = re.compile(r"\S+\s+\S+\s+(?P<build>[^\s\[]+)")
"""The other notation for a build: name, version, build."""


def is_environment_file(text: str) -> bool:
    """Return whether a text is an environment.yml: a mapping with dependencies."""
    try:
        return find_value(yaml.compose(text, Loader=yaml.SafeLoader), "dependencies") is not None
    except (yaml.YAMLError, RecursionError):
        return re.search(r"^\s?[\"']?dependencies[\"']?\s*:", text, re.MULTILINE) is not None


def find_environment_faults(text: str) -> Iterator[str]:
    """Yield the faults with their lines; they never repeat the text, as it may hold credentials."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        yield f"{line}is not YAML: {error.problem or error.context}"
        return
    except (yaml.YAMLError, RecursionError):
        yield "is not YAML"
        return
    dependencies = find_value(root, "dependencies")
    if dependencies is None:
        yield "with manager: conda this must be an environment.yml, with dependencies:"
        return
    if not isinstance(dependencies, yaml.SequenceNode):
        yield f"{line_of(dependencies)}dependencies {LIST}"
        return
    yield from find_structure_faults(root, dependencies)
    is_foreign = _is_of_another_system(root) or _is_of_anaconda_alone(root)
    for entry in entries_of(find_value(root, "channels")):
        if OF_ANOTHER_COMPUTER.fullmatch(entry.value.strip()):
            yield f"{line_of(entry)}{CHANNEL_FAULT}"
    for entry in entries_of(dependencies):
        fault = find_package_fault(entry.value, is_foreign=is_foreign)
        if not holds_credential(entry.value) and fault:
            yield f"{line_of(entry)}{fault}"
    for entry, line in pip_entries_of(dependencies):
        if not holds_credential(line) and (fault := find_requirement_fault(line)):
            yield f"{line_of(entry)}{fault}"


def find_environment_notes(text: str) -> Iterator[str]:
    """Yield the lines with a changed meaning, in a text without faults."""
    root = yaml.compose(text, Loader=yaml.SafeLoader) if text.strip() else None
    channels = [
        node for node in entries_of(find_value(root, "channels")) if is_anaconda(node.value)
    ]
    for channel in channels:
        yield f"{line_of(channel)}{channel.value.strip()} {OF_ANACONDA}"
    for entry in entries_of(find_value(root, "dependencies")):
        found = SPECIFICATION.fullmatch(entry.value.strip())
        if found and found["channel"] and is_anaconda(found["channel"]):
            yield f"{line_of(entry)}{found['channel']}:: {OF_ANACONDA}"
        if channels and found and _build_of(entry.value, found):
            yield f"{line_of(entry)}the build of {found['name']} must be one of conda-forge"
    for entry, line in pip_entries_of(find_value(root, "dependencies")):
        if "editables" in read_line(line).options:
            yield f"{line_of(entry)}{EDITABLE_NOTE}"


def _is_of_another_system(root: yaml.Node | None) -> bool:
    prefix = find_value(root, "prefix")
    if isinstance(prefix, yaml.ScalarNode) and OTHER_HOME.match(prefix.value):
        return True
    return any(
        FOREIGN.fullmatch(_name(entry)) for entry in entries_of(find_value(root, "dependencies"))
    )


def _is_of_anaconda_alone(root: yaml.Node | None) -> bool:
    """Return whether all channels are Anaconda's, so that no build can be conda-forge's."""
    channels = [entry.value for entry in entries_of(find_value(root, "channels"))]
    named = [channel for channel in channels if channel != "nodefaults"]
    return bool(named) and all(is_anaconda(channel) for channel in named)


def find_package_fault(text: str, *, is_foreign: bool = False) -> str | None:
    """Return why conda cannot install a package on the machine, and what to write.

    `is_foreign`: the list is of another system or channel, whose builds are not there.
    """
    text = text.strip()
    channel, separator, _ = text.partition("::")
    if separator and OF_ANOTHER_COMPUTER.fullmatch(channel):
        return CHANNEL_FAULT
    if text.startswith((".", "/", "~", "file:")) or "\\" in text:
        return "names another file, which will not be on the machine; write name=VERSION"
    if re.match(r"(git\+|-e\b|--)|\S+\s*@", text):
        return "is pip's to install; write it under pip:, in a list of its own"
    if re.match(r"https?://\S+\.(conda|tar\.bz2)(#\S+)?$", text):
        return None
    found = SPECIFICATION.fullmatch(text)
    if found is None:
        return NOT_A_SPECIFICATION
    name, more = found["name"], (found["more"] or "").strip()
    if EXTRAS.match(more):
        return f"has extras, which only pip has; write {name}, or move the line under pip:"
    if more.startswith("=>") or "{" in more:
        return NOT_A_SPECIFICATION
    if FOREIGN.fullmatch(name):
        return f"{name} {OF_ANOTHER_SYSTEM}"
    if is_foreign and _build_of(text, found):
        version = found["version"] or "VERSION"
        return (
            f"names a build of another system or channel; write {name}={version}"
            " (conda env export --no-builds does so for all packages)"
        )
    return None


def _build_of(text: str, found: re.Match[str]) -> str:
    by_blanks = BUILT.fullmatch(text.strip())
    build = found["build"] or (by_blanks["build"] if by_blanks else "")
    return "" if "*" in build else build


def _name(node: yaml.ScalarNode) -> str:
    found = SPECIFICATION.fullmatch(str(node.value).strip())
    return found["name"] if found else ""
