"""The keys that an image trusts for a source, by what its run has kept."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from notebake.apt.sources import fingerprints, without_armour
from notebake.images.updates.archives.source import ArchiveError, Source

FINGERPRINT = re.compile(r"(?:0x)?[0-9A-Fa-f]{40}(?:[0-9A-Fa-f]{24})?!?")
BEGIN = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
SYSTEM = re.compile(r"/trusted\.gpg(?:\.d/[^/]+)?$")
OWN_FOLDERS = ("/usr/share/keyrings", "/etc/apt/keyrings", "/etc/apt/trusted.gpg.d")
"""Where a computer has the keyrings of distributions."""


@dataclass(frozen=True)
class TrustedKeys:
    """What a signature may be made with: keyrings, and the primary keys in them that count."""

    keyrings: tuple[bytes, ...]
    allowed: frozenset[str]
    """Fingerprints of primary keys."""


def trusted_keys(source: Source, kept: Sequence[Mapping[str, Any]]) -> TrustedKeys:
    """Return the keys for a source; `kept` are the keyrings in the record.

    The record of an older run names only the fingerprints. The keys themselves are then taken from
    the keyrings of this computer, which can only be those that the image trusted.

    Raises:
        ArchiveError: the keys are not known.
    """
    if BEGIN in source.signed_by:
        return keys_of_text(source.signed_by)
    words = re.split(r"[\s,]+", source.signed_by) if source.signed_by else []
    paths = [word for word in words if word.startswith("/")]
    named = {plain(word) for word in words if FINGERPRINT.fullmatch(word)}
    if unknown := [word for word in words if word not in paths and plain(word) not in named]:
        raise ArchiveError(f"signed-by names {unknown[0]!r}, which is no key and no keyring")
    rings = [each for each in kept if each["path"] in paths]
    if missing := set(paths) - {each["path"] for each in rings}:
        raise ArchiveError(f"the run did not keep the keyring {min(missing)}")
    if named or not paths:
        rings += [each for each in kept if SYSTEM.search(each["path"])]
    keys = join(keys_of_record(each) for each in rings)
    if not named or paths:
        return keys
    return TrustedKeys(keys.keyrings, keys.allowed & named)


def plain(fingerprint: str) -> str:
    """Return a fingerprint as gpgv prints it."""
    return fingerprint.removeprefix("0x").rstrip("!").upper()


def keys_of_text(text: str) -> TrustedKeys:
    """Return the key that a source holds itself, where a lone dot stands for an empty line."""
    lines = (line.strip() for line in text.splitlines())
    armoured = "\n".join("" if line == "." else line for line in lines).encode()
    return keys_of_keyring(armoured, "the key within the source")


def keys_of_keyring(content: bytes, name: str) -> TrustedKeys:
    """Return all keys of a keyring, without armour, as gpgv wants it."""
    try:
        binary = without_armour(content)
        return TrustedKeys((binary,), frozenset(fingerprints(binary)))
    except (ValueError, IndexError) as error:
        raise ArchiveError(f"{name} cannot be read: {error}") from None


def keys_of_record(record: Mapping[str, Any]) -> TrustedKeys:
    """Return the keys of a keyring in the record."""
    path, listed = record["path"], frozenset(map(str, record["fingerprints"]))
    if content := record.get("content"):
        try:
            return keys_of_keyring(base64.b64decode(content, validate=True), path)
        except binascii.Error as error:
            raise ArchiveError(f"{path} cannot be read from the record: {error}") from None
    found = [keys for keys in keyrings_of_computer() if keys.allowed & listed]
    known = join(found)
    if missing := listed - known.allowed:
        raise ArchiveError(
            f"the run kept only the fingerprints of {path}, and no keyring of this computer has"
            f" the key {min(missing)}"
        )
    return TrustedKeys(known.keyrings, listed)


def keyrings_of_computer() -> Iterator[TrustedKeys]:
    """Yield the keyrings of this computer that can be read."""
    for path in (path for folder in OWN_FOLDERS for path in sorted(Path(folder).glob("*"))):
        try:
            yield keys_of_keyring(path.read_bytes(), str(path))
        except (OSError, ArchiveError):
            continue


def join(several: "Iterator[TrustedKeys] | Sequence[TrustedKeys]") -> TrustedKeys:
    """Return the keys of several keyrings as one."""
    each = tuple(several)
    return TrustedKeys(
        tuple(ring for keys in each for ring in keys.keyrings),
        frozenset[str]().union(*(keys.allowed for keys in each)),
    )
