"""What is wrong with one requirement, as pip and uv read it on a blank machine.

Names, versions and markers are read by packaging, options as pip reads them. A fault repeats no
more of the line than a package's name: the line may hold a credential.
"""

import re

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement

from notebake.recipe.fields import CREDENTIAL
from notebake.recipe.requirement_options import IN_FULL, OptionError, ReadLine, read_line

CREDENTIAL_FAULT = "holds a credential, which would be kept with the recipe and enter the image"
EDITABLE_NOTE = (
    "what -e takes from git is installed as a package, not as a folder to edit, which uv cannot"
)
FROZEN = "pip list --format=freeze writes all of them so"
CONDA_TOKEN = re.compile(r"https?://[^/\s]+(?:/[^\s]*)?/t/[A-Za-z]{2}-[0-9a-fA-F-]{8,}")

NAME = r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*"
CONDA_STYLE = re.compile(rf"{NAME}=\s*(?P<version>[A-Za-z0-9.*]+)(?:=\S*)?")
# packaging takes nothing but an address there, and pip a path as well.
AT = re.compile(rf"{NAME}@\s*(?P<address>\S.*)")
PLACES = ("find_links", "index_urls", "extra_index_urls")
OWN_FILES = ("requirements", "constraints")
NOT_OF_UV = ("settings", "global_options", "install_options")
VARIABLE = re.compile(r"\$\{[A-Z0-9_]+\}")
ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?://|(?=/)|(?<=file:))", re.IGNORECASE)
BY_SSH = re.compile(r"(?:git\+)?ssh:|git\+[^/]*@[^/]*:|git@")
ARCHIVE = re.compile(r"\.(?:whl|tar\.gz|tgz|tar\.bz2|zip|egg|conda)(?:[#\s;\[].*)?$", re.IGNORECASE)
EGG = re.compile(r"[#&]egg=(?P<egg>[A-Za-z0-9._-]+(?:\[[^\]]*\])?)")
FOLDER = re.compile(r"[#&]subdirectory=(?P<folder>[^&\s]+)")


def holds_credential(line: str) -> bool:
    """Tell whether an address in a line has a name, a password or a token in it."""
    return CREDENTIAL.search(line) is not None or CONDA_TOKEN.search(line) is not None


def find_requirement_fault(line: str) -> str | None:
    """Return why a requirement cannot be installed on a blank machine, and what to write."""
    line = line.strip()
    if not line:
        return None
    if VARIABLE.search(line):
        return "takes a value from another machine's environment; write it out"
    try:
        read = read_line(line)
    except OptionError:
        if line.startswith("-"):
            return "is no option that pip reads in a file"
        return "is nothing that pip reads as a package; write name==VERSION, each on its own line"
    return _options_fault(read) or _requirement_fault(read.requirement)


def _requirement_fault(text: str) -> str | None:
    """Return what is wrong with what names a package."""
    if not text:
        return None
    if BY_SSH.match(text):
        return _address_fault(text)
    if at := AT.fullmatch(text):
        return _address_fault(at["address"], at["name"]) or _syntax_fault(text)
    if ADDRESS.match(text) or is_path(text):
        return _address_fault(text) or _marker_fault(text)
    if re.match(r"pkg[-_.]resources\s*==\s*0\.0\.0", text, re.IGNORECASE):
        return "is no package, but what pip freeze writes on Ubuntu and Debian; remove the line"
    return _syntax_fault(text)


def _syntax_fault(text: str) -> str | None:
    """Return why packaging does not read a text as a package."""
    try:
        Requirement(text)
    except InvalidRequirement:
        if style := CONDA_STYLE.fullmatch(text):
            return f"is in conda's style; with pip write {style['name']}=={style['version']}"
        return (
            "is nothing that pip reads as a package; write name==VERSION, each on a line of its own"
        )
    return None


def _marker_fault(text: str) -> str | None:
    """Return what is wrong with the marker behind an address, which a blank parts from it."""
    _, semicolon, marker = text.partition(" ;")
    try:
        if semicolon:
            Marker(marker.strip())
    except InvalidMarker:
        return "has a condition behind its ; that pip does not read"
    return None


def _options_fault(read: ReadLine) -> str | None:
    """Return what is wrong with the options of a line and their values."""
    for name, value in read.of_the_file:
        is_address = re.match(r"https?://", value) is not None
        if name in OWN_FILES and not is_address:
            return "names another file, which will not be on the machine; write out what it holds"
        if name in PLACES and not is_address:
            return (
                "names a folder of another machine; leave it out, or write the address of an index"
                " by https"
            )
    if read.requirement and (read.of_the_file or "editables" in read.options):
        return "has an option behind a package; write it on a line of its own"
    for name in NOT_OF_UV:
        if name in read.options:
            return f"has {IN_FULL[name]}, which uv does not take in a file; leave it out"
    faults = (_editable_fault(one) for one in read.options.get("editables", ()))
    return next((one for one in faults if one), None)


def _editable_fault(value: str) -> str | None:
    """Return what is wrong with what is asked for as a folder to edit: it is taken from git."""
    return _address_fault(value) or _marker_fault(value)


def without_editing(value: str) -> str:
    """Return what is asked for as a folder to edit as a package to install.

    uv takes no folder to edit from git; what is installed is the same commit. What `#egg=` names
    and `subdirectory=` mean the same (pip's documentation, "VCS Support").
    """
    address, semicolon, marker = value.partition(" ;")
    egg, folder = EGG.search(address), FOLDER.search(address)
    bare = address.partition("#")[0].strip()
    text = f"{egg['egg']} @ {bare}" if egg else bare
    text += f"#subdirectory={folder['folder']}" if folder else ""
    return f"{text} ;{marker}" if semicolon else text


def _address_fault(address: str, name: str = "") -> str | None:
    """Return why the machine could not fetch from an address or a path."""
    scheme = ADDRESS.match(address)
    if BY_SSH.match(address):
        return (
            "is fetched by ssh, for which the machine has no key; write git+https://…, which"
            " a public repository answers"
        )
    kind = scheme["scheme"].lower() if scheme else "file"
    if kind in {"file", "git+file"}:
        instead = f"{name or 'name'}=={'VERSION'}"
        return (
            f"names another file, which will not be on the machine; write {instead}"
            f" ({FROZEN}), or name @ https://… of where it can be fetched"
        )
    if kind in {"http", "https", "git+https", "git+http"}:
        return None
    return f"is fetched by {kind}, which uv does not know; write git+https://… or https"


def is_path(line: str) -> bool:
    """Tell whether a line names a file or folder: pip tells it by a slash, or by its end."""
    word = re.split(r"\s+;|\s", line, maxsplit=1)[0]
    has_slash = "/" in word or "\\" in word or word.startswith((".", "~"))
    return has_slash or ARCHIVE.search(word) is not None
