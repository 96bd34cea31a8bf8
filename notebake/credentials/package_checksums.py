"""Checksums of files as their packages published them: dpkg, Python packages from an index, conda.

A file that matches one is not scanned.
"""

import binascii
import csv
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

Checksum = tuple[str, bytes]
"""A hash algorithm, and the digest of the file as published."""
PathChecksums = list[tuple[str, Checksum]]


def read_checksums(root: str, path: str) -> PathChecksums:
    """Return the checksums in this file, if it is a package manager's list."""
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
        return []  # the package's files are then scanned, and an unreadable list is reported
    return []


def _dpkg_checksums(root: str, path: str) -> Iterator[tuple[str, Checksum]]:
    names = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
    merged = {name for name in names if (Path(root) / name).is_symlink()}
    lines = (Path(root) / path).read_text(errors="surrogateescape")
    for digest, below in re.findall(r"^([0-9a-f]{32})  (.+)$", lines, re.M):
        usr = "usr/" if below.partition("/")[0] in merged else ""
        yield f"{usr}{below}", ("md5", bytes.fromhex(digest))


def _dpkg_configuration_checksums(root: str, path: str) -> Iterator[tuple[str, Checksum]]:
    status = (Path(root) / path).read_text(errors="surrogateescape")
    for match in re.finditer(r"^ /(\S+) ([0-9a-f]{32})", status, re.M):
        yield match[1], ("md5", bytes.fromhex(match[2]))


# The installer writes these files; they are not part of the published package.
INSTALLER_FILES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
FROM_URL_SAFE = str.maketrans("-_", "+/")


def _python_checksums(root: str, record: str) -> Iterator[tuple[str, Checksum]]:
    """Yield the checksums of a Python package, unless it came from a URL instead of an index."""
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
    """Yield the checksums of a conda package that came from a channel."""
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
                path = os.path.normpath(f"{prefix}/{entry['_path']}")
                yield path, ("sha256", bytes.fromhex(entry[name]))


CHECKSUM_LINES = {
    ".md5sums": re.compile(rb"^[0-9a-f]{32}  [^\n]*$", re.M),
    "/RECORD": re.compile(rb"^[^\n,]*,sha256=[\w-]{43},\d*$", re.M),
    ".list": re.compile(rb"^/[^\n]*$", re.M),
}
"""The lines of an installer's list of files or checksums, by the end of the list's name."""


def without_checksums(path: str, content: bytes) -> bytes:
    """Return such a list without those lines, which become empty; other files are unchanged."""
    for end, lines in CHECKSUM_LINES.items():
        if path.endswith(end):
            return lines.sub(b"", content)
    return content


def is_checksum_list(path: str) -> bool:
    """Return whether a file is where installers keep such a list."""
    return path.startswith("var/lib/dpkg/info/") or path.endswith(".dist-info/RECORD")


def source_of_bytecode(path: str) -> str | None:
    """Return the source file from which Python compiled this file."""
    if not path.endswith(".pyc"):
        return None
    match = re.fullmatch(r"(.*/)__pycache__/([^/]+?)\.[\w-]+(?:\.opt-\d)?\.pyc", path)
    return f"{match[1]}{match[2]}.py" if match else None


def matches_checksum(
    descriptor: int, size: int, checksums: Iterable[Checksum], buffer: memoryview
) -> bool:
    """Return whether a file matches one of its checksums; `size` is its expected size."""
    hashes = {method: hashlib.new(method, usedforsecurity=False) for method, _ in checksums}
    done = 0
    while read := os.preadv(descriptor, [buffer], done):
        done += read
        for each in hashes.values():
            each.update(buffer[:read])
        if read < len(buffer) and done == size:
            break
    return any(hashes[method].digest() == digest for method, digest in checksums)
