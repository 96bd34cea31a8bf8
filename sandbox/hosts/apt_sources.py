"""This machine's package sources, without those of third parties.

The base system is the same distribution as this machine, from the same archives: no archive is
named here.
"""

import re
from pathlib import Path

from sandbox.programs import run_program

POCKETS = ("", "-updates", "-security")
COMPONENTS = {
    *("main", "contrib", "non-free", "non-free-firmware"),
    *("restricted", "universe", "multiverse"),
}
ARCHIVE_KEYRING = re.compile(r"^/(usr/share|etc/apt)/keyrings/(debian|ubuntu)-archive-\S+$")
KEPT_OPTIONS = re.compile(r"^Acquire::(https?::Proxy|Check-Valid-Until|Check-Date)\b")


def read_sources(apt_path: Path, codename: str) -> str:
    """Return the distribution's own sources below this /etc/apt, as one deb822 text."""
    stanzas: list[str] = []
    for path in sorted((apt_path / "sources.list.d").glob("*.sources")):
        stanzas += re.split(r"\n\s*\n", _without_comments(path.read_text()))
    lists = [apt_path / "sources.list", *sorted((apt_path / "sources.list.d").glob("*.list"))]
    for path in lists:
        if path.exists():
            stanzas += map(stanza_of_line, _without_comments(path.read_text()).splitlines())
    own = dict.fromkeys(stanza for stanza in stanzas if is_own_stanza(stanza, codename))
    return "\n\n".join(stanza.strip() for stanza in own) + "\n" if own else ""


def stanza_of_line(line: str) -> str:
    """Return a one-line entry (`deb [options] URI SUITE COMPONENTS`) as a deb822 stanza."""
    match = re.match(r"^(deb|deb-src)\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s*(.*)$", line.strip())
    if not match:
        return ""
    kind, options, uri, suite, components = match.groups()
    fields = [f"Types: {kind}", f"URIs: {uri}", f"Suites: {suite}", f"Components: {components}"]
    if signed := re.search(r"signed-by=(\S+)", options or ""):
        fields.append(f"Signed-By: {signed[1]}")
    return "\n".join(fields)


def is_own_stanza(stanza: str, codename: str) -> bool:
    """Return whether this is the distribution's archive, by suites, components and keyring."""
    fields = dict(
        (name.lower(), value.strip()) for name, value in re.findall(r"(?m)^(\S+):(.*)$", stanza)
    )
    if "deb" not in fields.get("types", "").split() or fields.get("enabled", "").lower() == "no":
        return False
    suites = {codename + pocket for pocket in POCKETS}
    signed_by = fields.get("signed-by", "")
    return (
        set(fields.get("suites", "-").split()) <= {*suites, f"{codename}-backports"}
        and set(fields.get("components", "-").split()) <= COMPONENTS
        and (not signed_by or bool(ARCHIVE_KEYRING.match(signed_by)))
    )


def read_options() -> list[str]:
    """Return the settings that apt needs to reach the archives from this machine."""
    lines = run_program("apt-config", "dump").splitlines()
    return sorted(line for line in lines if KEPT_OPTIONS.match(line))


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
