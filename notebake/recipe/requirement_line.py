"""What is wrong with one requirement, as pip and uv read it on a blank machine.

A fault repeats no more of the line than a package's name: the line may hold a credential.
"""

import re

from notebake.recipe.fields import CREDENTIAL

CREDENTIAL_FAULT = "holds a credential, which would be kept with the recipe and enter the image"
FROZEN = "pip list --format=freeze writes all of them so"

NAME = r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*"
VERSIONS = r"(?:===|==|~=|!=|<=|>=|<|>)\s*[^\s,;()<>=!~]+"
# https://packaging.python.org/en/latest/specifications/dependency-specifiers/
NAMED = re.compile(rf"{NAME}(?:\(?\s*{VERSIONS}(?:\s*,\s*{VERSIONS})*\s*,?\s*\)?)?\s*(?:;.*)?")
AT_ADDRESS = re.compile(rf"{NAME}@\s*(?P<address>\S.*)")
CONDA_STYLE = re.compile(rf"{NAME}=\s*(?P<version>[A-Za-z0-9.*]+)(?:=\S*)?")
OF_A_LINE = re.compile(r"\s+--(?:hash|config-settings?|global-option)\b.*")
OPTION = re.compile(
    r"(?:(?P<long>--[a-z-]+)(?:\s*=\s*|\s+|$)|(?P<short>-[a-zA-Z])(?:\s*=?\s*))(?P<value>.*)"
)
FILE_OPTIONS = {"-r", "-c", "--requirement", "--requirements", "--constraint", "--constraints"}
PLACE_OPTIONS = {"-f", "-i", "--find-links", "--index-url", "--extra-index-url"}
EDITABLE_OPTIONS = {"-e", "--editable"}
VARIABLE = re.compile(r"\$\{[A-Z0-9_]+\}")
ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?://|(?=/))")
BY_SSH = re.compile(r"(?:git\+)?ssh:|git\+[^/]*@[^/]*:|git@")
ARCHIVE = re.compile(r"\.(?:whl|tar\.gz|tgz|tar\.bz2|zip|egg|conda)(?:[#\s;\[].*)?$", re.IGNORECASE)
EGG = re.compile(r"#(?:.*&)?egg=([A-Za-z0-9._-]+)")


def holds_credential(line: str) -> bool:
    """Tell whether an address in a line has a name or a password before its host."""
    return CREDENTIAL.search(line) is not None


def find_requirement_fault(line: str) -> str | None:
    """Return why a requirement cannot be installed on a blank machine, and what to write."""
    line = OF_A_LINE.sub("", line.strip())
    if not line:
        return None
    if VARIABLE.search(line):
        return "takes a value from another machine's environment; write it out"
    if line.startswith("-"):
        return _option_fault(line)
    if BY_SSH.match(line):
        return _address_fault(line)
    if at := AT_ADDRESS.fullmatch(line):
        return _address_fault(at["address"], at["name"])
    if ADDRESS.match(line) or is_path(line):
        return _address_fault(line)
    if re.match(r"pkg[-_.]resources\s*==\s*0\.0\.0", line, re.IGNORECASE):
        return "is no package, but what pip freeze writes on Ubuntu and Debian; remove the line"
    if NAMED.fullmatch(line):
        return None
    if style := CONDA_STYLE.fullmatch(line):
        return f"is in conda's style; with pip write {style['name']}=={style['version']}"
    return "is nothing that pip reads as a package; write name==VERSION, each on a line of its own"


def _option_fault(line: str) -> str | None:
    """Return what is wrong with an option and its value."""
    option = OPTION.fullmatch(line)
    if option is None:
        return "is no option that pip reads"
    name, value = option["long"] or option["short"], option["value"].strip("\"' ")
    is_address = re.match(r"https?://", value) is not None
    if name in FILE_OPTIONS and not is_address:
        return "names another file, which will not be on the machine; write out what it holds"
    if name in PLACE_OPTIONS and not is_address:
        return (
            "names a folder of another machine; leave it out, or write the address of an index"
            " by https"
        )
    if name not in EDITABLE_OPTIONS:
        return None
    if fault := _address_fault(value):
        return fault
    egg = EGG.search(value)
    named = egg[1] if egg else "name"
    return (
        f"is editable, which uv takes from a folder only; write {named} @ git+https://…,"
        f" without {name} and without #egg="
    )


def _address_fault(address: str, name: str = "") -> str | None:
    """Return why the machine could not fetch from an address or a path."""
    scheme = ADDRESS.match(address)
    if BY_SSH.match(address):
        return (
            "is fetched by ssh, for which the machine has no key; write git+https://…, which"
            " a public repository answers"
        )
    if scheme is None or scheme["scheme"].lower() == "file":
        instead = f"{name or 'name'}=={'VERSION'}"
        return (
            f"names another file, which will not be on the machine; write {instead}"
            f" ({FROZEN}), or name @ https://… of where it can be fetched"
        )
    if scheme["scheme"].lower() in {"http", "https", "git+https"}:
        return None
    return f"is fetched by {scheme['scheme']}, which uv does not know; write git+https://… or https"


def is_path(line: str) -> bool:
    """Tell whether a line names a file or folder: pip tells it by a slash, or by its end."""
    word = re.split(r"\s+;|\s", line, maxsplit=1)[0]
    has_slash = "/" in word or "\\" in word or word.startswith((".", "~"))
    return has_slash or ARCHIVE.search(word) is not None
