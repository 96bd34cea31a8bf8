"""Files as published: by the checksums of dpkg, of a Python package from an index, of conda."""

import binascii
import csv
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

Checksum = tuple[str, bytes]
"""How a file's checksum is made, and what it is when the file is as its publisher made it."""
PathChecksums = list[tuple[str, Checksum]]
"""Paths with what they are known by."""


def read_checksums(root: str, path: str) -> PathChecksums:
    """Return the checksums in this file, if it is where a package manager writes them down."""
    try:
        if path.endswith(".dist-info/RECORD"):
            return list(_python_checksums(root, path))
        if path.endswith(".json") and "/conda-meta/" in path:
            return list(_conda_checksums(root, path))
        if path.endswith(".md5sums") and path.startswith("var/lib/dpkg/info/"):
            return list(_dpkg_checksums(root, path))
        if path == "var/lib/dpkg/status":
            return list(_dpkg_configuration_checksums(root, path))
    except (OSError, ValueError):
        return []  # its files are searched then; where it cannot be read, the search says so
    return []


def _dpkg_checksums(root: str, path: str) -> Iterator[tuple[str, Checksum]]:
    """Give the checksums of one of the distribution's packages."""
    names = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
    merged = {name for name in names if (Path(root) / name).is_symlink()}
    lines = (Path(root) / path).read_text(errors="surrogateescape")
    for digest, below in re.findall(r"^([0-9a-f]{32})  (.+)$", lines, re.M):
        usr = "usr/" if below.partition("/")[0] in merged else ""
        yield f"{usr}{below}", ("md5", bytes.fromhex(digest))


def _dpkg_configuration_checksums(root: str, path: str) -> Iterator[tuple[str, Checksum]]:
    """Give the checksums of the distribution's configuration files."""
    status = (Path(root) / path).read_text(errors="surrogateescape")
    for match in re.finditer(r"^ /(\S+) ([0-9a-f]{32})", status, re.M):
        yield match[1], ("md5", bytes.fromhex(match[2]))


# What an installer writes itself is not published.
INSTALLER_FILES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
FROM_URL_SAFE = str.maketrans("-_", "+/")


def _python_checksums(root: str, record: str) -> Iterator[tuple[str, Checksum]]:
    """Give the checksums of a Python package, unless it came from elsewhere than an index."""
    file = Path(root) / record
    if (file.parent / "direct_url.json").exists():
        return
    base = record.rpartition("/")[0].rpartition("/")[0] or "."
    with file.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
        for row in csv.reader(stream):
            if len(row) < 2 or not row[1].startswith("sha256="):
                continue
            if row[0].rpartition("/")[2] in INSTALLER_FILES and ".dist-info/" in row[0]:
                continue
            path = f"{base}/{row[0]}"
            if "./" in path or "//" in path:
                path = os.path.normpath(path)
            digest = binascii.a2b_base64(row[1][7:].translate(FROM_URL_SAFE) + "==")
            yield path, ("sha256", digest)


def _conda_checksums(root: str, meta: str) -> Iterator[tuple[str, Checksum]]:
    """Give the checksums of a conda package, unless it did not come from a channel."""
    try:
        package = json.loads((Path(root) / meta).read_bytes())
        if not str(package.get("url", "")).startswith("https://"):
            return
        entries = package.get("paths_data", {}).get("paths", [])
    except (ValueError, AttributeError):
        return
    prefix = Path(meta).parent.parent
    for entry in entries:
        for name in ("sha256", "sha256_in_prefix"):
            if name in entry:
                yield (
                    os.path.normpath(f"{prefix}/{entry['_path']}"),
                    ("sha256", bytes.fromhex(entry[name])),
                )


CHECKSUM_LINES = {
    ".md5sums": re.compile(rb"^[0-9a-f]{32}  [^\n]*$", re.M),
    "/RECORD": re.compile(rb"^[^\n,]*,sha256=[\w-]{43},\d*$", re.M),
    ".list": re.compile(rb"^/[^\n]*$", re.M),
}
"""What the lines of an installer's list of files and checksums look like, by the list's name."""


def without_checksums(path: str, content: bytes) -> bytes:
    """Return what else stands in such a list, line for line; other files as they are."""
    for end, lines in CHECKSUM_LINES.items():
        if path.endswith(end):
            return lines.sub(b"", content)
    return content


def is_checksum_list(path: str) -> bool:
    """Say whether a file is where installers keep such a list."""
    return path.startswith("var/lib/dpkg/info/") or path.endswith(".dist-info/RECORD")


def source_of_bytecode(path: str) -> str | None:
    """Return the source from which Python compiled this file."""
    if not path.endswith(".pyc"):
        return None
    match = re.fullmatch(r"(.*/)__pycache__/([^/]+?)\.[\w-]+(?:\.opt-\d)?\.pyc", path)
    return f"{match[1]}{match[2]}.py" if match else None


def matches_checksum(
    descriptor: int, size: int, sums: Iterable[Checksum], buffer: memoryview
) -> bool:
    """Say whether a file is exactly as its publisher made it; `size` is what it should be."""
    digests = {method: hashlib.new(method, usedforsecurity=False) for method, _ in sums}
    done = 0
    while read := os.preadv(descriptor, [buffer], done):
        done += read
        for digest in digests.values():
            digest.update(buffer[:read])
        if read < len(buffer) and done == size:
            break
    return any(digests[method].digest() == digest for method, digest in sums)
