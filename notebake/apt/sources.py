"""Prints apt's sources, the keys that it trusts and its preferences, as JSON.

Runs on the host in the system's Python, with the standard library only. What could not be read
stands under `notes`.
"""

import base64
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

FORMAT = 2
"""2 has the content of keyrings, the lists of mirrors, preferences, and lines between stanzas."""
SOURCES = ("sources.list", "sources.list.d/*.list", "sources.list.d/*.sources")
PREFERENCES = ("preferences", "preferences.d/*")
KEYRINGS = ("trusted.gpg", "trusted.gpg.d/*.gpg", "trusted.gpg.d/*.asc", "keyrings/*")
LOGIN = re.compile(r"(?<=://)[^/@\s]*@")
SIGNED_BY = re.compile(r"signed-by\s*[:=]\s*([^\]\n]*)", re.IGNORECASE)
MIRRORS = re.compile(r"mirror\+file:(?://)?(/[^\s\]]+)")
ARMOUR = re.compile(rb"-----BEGIN PGP [^\n]*-----(.*?)-----END PGP ", re.DOTALL)
PUBLIC_KEY, SECRET_KEYS = 6, {5, 7}
"""The tags of packets with keys (RFC 9580, section 5)."""


def describe_sources(folder: Path) -> dict[str, Any]:
    """Return the sources and keyrings of a configuration folder such as /etc/apt."""
    notes, sources = list[str](), read_sources(folder)
    return {
        "format": FORMAT,
        "sources": sources,
        "mirrors": read_mirrors(sources, notes),
        "preferences": read_files(folder, PREFERENCES),
        "keyrings": list_keyrings(folder, sources, notes),
        "notes": notes,
    }


def read_sources(folder: Path) -> dict[str, list[str]]:
    """Return the lines of apt's sources by file, without comments and without logins."""
    return read_files(folder, SOURCES)


def read_files(folder: Path, patterns: Iterable[str]) -> dict[str, list[str]]:
    """Return the lines of files without comments and logins; "" is between their stanzas."""
    paths = [path for pattern in patterns for path in sorted(folder.glob(pattern))]
    return {str(path): list(read_lines(path)) for path in paths if path.is_file()}


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a file, and one "" for blank lines in between."""
    last = ""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if not line.lstrip().startswith("#") and (line.strip() or last):
            last = LOGIN.sub("", line.rstrip())
            yield last


def read_mirrors(sources: dict[str, list[str]], notes: list[str]) -> dict[str, list[str]]:
    """Return the lines of the lists of mirrors that sources name, by path."""
    text = "\n".join(line for lines in sources.values() for line in lines)
    found = {}
    for path in dict.fromkeys(map(Path, MIRRORS.findall(text))):
        try:
            found[str(path)] = list(read_lines(path))
        except OSError as error:
            notes.append(f"{path}: {error}")
    return found


def list_keyrings(
    folder: Path, sources: dict[str, list[str]], notes: list[str]
) -> list[dict[str, Any]]:
    """Return the keyrings that apt trusts, or that a source names, with their keys."""
    text = "\n".join(line for lines in sources.values() for line in lines)
    named = [word for found in SIGNED_BY.findall(text) for word in re.split(r"[\s,]+", found)]
    paths = [path for pattern in KEYRINGS for path in sorted(folder.glob(pattern))]
    paths += [Path(word) for word in named if word.startswith("/")]
    keyrings = []
    for path in dict.fromkeys(paths):
        try:
            content = path.read_bytes()
            keys = list(fingerprints(content))
        except (OSError, ValueError, IndexError) as error:
            notes.append(f"{path}: {error}")
            continue
        digest = hashlib.sha256(content).hexdigest()
        keyring = {"path": str(path), "sha256": digest, "fingerprints": keys}
        if not SECRET_KEYS & {tag for tag, _ in packets(without_armour(content))}:
            keyring["content"] = base64.b64encode(content).decode()
        keyrings.append(keyring)
    return keyrings


def fingerprints(keyring: bytes) -> Iterator[str]:
    """Yield the fingerprints of the primary keys in a keyring (RFC 9580, section 5.5.4).

    Raises:
        ValueError: this is no keyring as apt reads them.
    """
    for tag, body in packets(without_armour(keyring)):
        if tag == PUBLIC_KEY and body[0] == 4:
            head = b"\x99" + len(body).to_bytes(2, "big")
            yield hashlib.sha1(head + body).hexdigest().upper()  # noqa: S324  # the format's own
        elif tag == PUBLIC_KEY and body[0] == 6:
            head = b"\x9b" + len(body).to_bytes(4, "big")
            yield hashlib.sha256(head + body).hexdigest().upper()


def without_armour(keyring: bytes) -> bytes:
    """Return the packets of a keyring that may be text: base64 without header and checksum."""
    blocks = ARMOUR.findall(keyring.replace(b"\r", b""))
    texts = (block.partition(b"\n\n")[2] for block in blocks)
    lines = ([line for line in text.split() if not line.startswith(b"=")] for text in texts)
    return b"".join(base64.b64decode(b"".join(each)) for each in lines) if blocks else keyring


def packets(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the packets of OpenPGP data: tag and body (RFC 9580, section 4.2)."""
    at = 0
    while at < len(content):
        head, at = content[at], at + 1
        if not head & 0x80:
            raise ValueError("no OpenPGP packet")
        if head & 0x40:
            tag, (size, at) = head & 0x3F, new_size(content, at)
        else:
            tag, width = head >> 2 & 0xF, 1 << (head & 3)
            size, at = (
                (len(content) - at, at)
                if width == 8
                else (int.from_bytes(content[at : at + width], "big"), at + width)
            )
        yield tag, content[at : at + size]
        at += size


def new_size(content: bytes, at: int) -> tuple[int, int]:
    """Return the size of a packet in the current format, and where its body begins."""
    first = content[at]
    if first < 192:
        return first, at + 1
    if first < 224:
        return (first - 192 << 8) + content[at + 1] + 192, at + 2
    if first < 255:
        raise ValueError("a packet in parts, which no key is")
    return int.from_bytes(content[at + 1 : at + 5], "big"), at + 5


if __name__ == "__main__":
    document = describe_sources(Path(sys.argv[1]))
    sys.stdout.write(json.dumps(document, indent=1, sort_keys=True) + "\n")
