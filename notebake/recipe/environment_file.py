"""What would make an environment.yml fail on the machine, read as YAML and told by its lines."""

import re
from collections.abc import Iterator

import yaml

from notebake.recipe.requirement_line import find_requirement_fault, holds_credential

ANACONDA = re.compile(r"(defaults|https?://repo\.anaconda\.com\S*|(https?://\S+/)?pkgs/\S+)/?")
TERMS = "Anaconda's own channels ask for their terms to be accepted; use conda-forge"
FOREIGN = re.compile(
    r"(vs20\d\d_runtime|vc|vc\d*_runtime|ucrt|pywin32|pywinpty|winpty|m2w64-.*"
    r"|msys2-conda-epoch|python\.app|.*_(osx|win)-(64|arm64))"
)
"""Packages of conda-forge that are for Windows or macOS alone."""
OTHER_HOME = re.compile(r"[A-Za-z]:\\|/Users/")
SPECIFICATION = re.compile(
    r"(?:(?P<channel>[^:\s]+)::)?(?P<name>[^\s=<>!~\[]+)\s*"
    r"(?:=\s*(?P<version>[^\s=<>]+)=(?P<build>[^\s=\]]+))?.*"
)


def is_environment_file(text: str) -> bool:
    """Tell whether a text is an environment.yml: a mapping with dependencies."""
    try:
        return _find(yaml.compose(text, Loader=yaml.SafeLoader), "dependencies") is not None
    except (yaml.YAMLError, RecursionError):
        return re.search(r"^\s?[\"']?dependencies[\"']?\s*:", text, re.MULTILINE) is not None


def find_environment_faults(text: str) -> Iterator[str]:
    """Yield what conda could not make an environment of, with its lines; never the text itself."""
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
    dependencies = _find(root, "dependencies")
    if dependencies is None:
        yield "with manager: conda this must be an environment.yml, with dependencies:"
        return
    if not isinstance(dependencies, yaml.SequenceNode):
        yield f"{_line(dependencies)}dependencies must be a list, with a - before each"
        return
    channels = list(_entries(_find(root, "channels")))
    anaconda = [one for one in channels if ANACONDA.fullmatch(one.value)]
    yield from (f"{_line(one)}{TERMS}" for one in anaconda)
    prefix = _find(root, "prefix")
    is_other = isinstance(prefix, yaml.ScalarNode) and OTHER_HOME.match(prefix.value) is not None
    is_other = is_other or any(FOREIGN.fullmatch(_name(one)) for one in _entries(dependencies))
    for one in _entries(dependencies):
        if fault := _package_fault(one.value, is_foreign=is_other or bool(anaconda)):
            yield f"{_line(one)}{fault}"
    yield from find_pip_faults(dependencies)


def find_pip_faults(dependencies: yaml.SequenceNode) -> Iterator[str]:
    """Yield what is wrong with the packages that conda leaves to pip."""
    for part in dependencies.value:
        if not isinstance(part, yaml.MappingNode):
            continue
        for one in _entries(_find(part, "pip")):
            if not holds_credential(one.value) and (fault := find_requirement_fault(one.value)):
                yield f"{_line(one)}{fault}"


def _package_fault(text: str, *, is_foreign: bool) -> str | None:
    """Return what is wrong with one of conda's own packages."""
    found = SPECIFICATION.fullmatch(text.strip())
    if found is None or text.startswith((".", "/", "~", "file:")) or "\\" in text:
        return "names another file, which will not be on the machine; write name=VERSION"
    if found["channel"] and ANACONDA.fullmatch(found["channel"]):
        return TERMS
    name = found["name"]
    if FOREIGN.fullmatch(name):
        return f"{name} is for another system than the machine's Linux; remove the line"
    if found["build"] and is_foreign:
        return (
            f"names a build of another system or channel; write {name}={found['version']}"
            " (conda env export --no-builds writes all of them so)"
        )
    return None


def _name(node: yaml.ScalarNode) -> str:
    """Return the name of a package in conda's writing."""
    found = SPECIFICATION.fullmatch(str(node.value).strip())
    return found["name"] if found else ""


def _find(node: yaml.Node | None, key: str) -> yaml.Node | None:
    """Return the value of a key, if the node is a mapping that has it."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def _entries(node: yaml.Node | None) -> Iterator[yaml.ScalarNode]:
    """Yield the entries of a list that are plain text."""
    if isinstance(node, yaml.SequenceNode):
        yield from (one for one in node.value if isinstance(one, yaml.ScalarNode))


def _line(node: yaml.Node) -> str:
    """Return where a node begins."""
    return f"line {node.start_mark.line + 1}: "
