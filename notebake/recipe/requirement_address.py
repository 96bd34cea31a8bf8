"""Finds why a machine could not fetch a requirement from its address or path."""

import re
from urllib.parse import urlsplit

FROZEN = "pip list --format=freeze does so for all packages"
ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):(?://|(?=/)|(?<=file:))", re.IGNORECASE)
"""A single letter before the colon is a drive of Windows."""
BY_SSH = re.compile(r"(?:git\+)?ssh:|git\+[^/]*@[^/]*:|git@")
ARCHIVE = re.compile(r"\.(?:whl|tar\.gz|tgz|tar\.bz2|zip|egg|conda)(?:[#\s;\[].*)?$", re.IGNORECASE)
OF_UV = (
    *(".whl", ".zip", ".git", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz", ".tar.xz", ".txz"),
    *(".tar.lz", ".tar.lzma", ".tlz", ".tar.zst"),
)
"""The ends of addresses that uv downloads (uv 0.13.9)."""


def find_address_fault(address: str, name: str = "") -> str | None:
    """Return why the machine could not fetch from an address or a path, or None."""
    scheme = ADDRESS.match(address)
    if BY_SSH.match(address):
        return (
            "is fetched by ssh, for which the machine has no key; write git+https://… of a public"
            " repository"
        )
    kind = scheme["scheme"].lower() if scheme else "file"
    if kind in {"file", "git+file"}:
        return (
            "names another file, which will not be on the machine; write"
            f" {name or 'name'}==VERSION ({FROZEN}), or name @ https://… to fetch it"
        )
    if kind in {"git+https", "git+http"}:
        return None
    if kind in {"http", "https"}:
        if urlsplit(address.split()[0]).path.endswith(OF_UV):
            return None
        return (
            "is fetched from an address that does not end in .whl, .zip or .tar.gz; write"
            " git+https://… for a repository"
        )
    return f"is fetched by {kind}, which uv does not support; write git+https://… or https"


def is_path(line: str) -> bool:
    """Return whether a line names a file or folder: as for pip, by a slash or its extension."""
    word = re.split(r"\s+;|\s", line, maxsplit=1)[0]
    has_slash = "/" in word or "\\" in word or word.startswith((".", "~"))
    return has_slash or ARCHIVE.search(word) is not None
