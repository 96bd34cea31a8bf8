"""A signed note: text with an Ed25519 signature, as transparency logs write it.

https://github.com/C2SP/C2SP/blob/main/signed-note.md

    <text, one or more lines>

    — <name of the key> <base64 of the key's id and the signature>
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
NAME = re.compile(r"[^\s+]+")
"""A name has no spaces and no plus."""
SIGNATURE = re.compile(r"— (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/=]+)")


@dataclass(frozen=True)
class NoteKey:
    """A public key and its name."""

    name: str
    public: bytes
    """32 bytes."""

    @property
    def id(self) -> bytes:
        """The four bytes by which a signature names its key."""
        name = self.name.encode()
        return hashlib.sha256(name + b"\n" + ED25519 + self.public).digest()[:4]

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the public key in hexadecimal, as a report prints it."""
        return hashlib.sha256(self.public).hexdigest()

    def __str__(self) -> str:
        """The key as verifiers of signed notes take it: `name+id+key`."""
        public = base64.b64encode(ED25519 + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{public}"


def parse_key(text: str) -> NoteKey:
    """Return the key in a text such as `str` of a key gives.

    Raises:
        ValueError: it is no Ed25519 key, or its id is of another key.
    """
    name, key_id, public = text.split("+", 2)
    raw = base64.b64decode(public, validate=True)
    key = NoteKey(name, raw[1:])
    if raw[:1] != ED25519 or len(key.public) != 32 or key.id.hex() != key_id:
        raise ValueError(f"no Ed25519 key of a signed note: {text}")
    return key


def sign_note(text: str, name: str, *privates: Ed25519PrivateKey) -> str:
    """Return the text with a signature of each key; it must end with a newline."""
    if not text.endswith("\n") or not NAME.fullmatch(name):
        raise ValueError("the text of a note ends with a newline, and its name has no spaces")
    signatures = []
    for private in privates:
        key = NoteKey(name, private.public_key().public_bytes_raw())
        signature = base64.b64encode(key.id + private.sign(text.encode())).decode()
        signatures.append(f"— {name} {signature}\n")
    return f"{text}\n{''.join(signatures)}"


def text_of_note(note: str) -> str:
    """Return the text of a note without its signatures, which are not verified here.

    Raises:
        ValueError: this is no signed note.
    """
    text, separator, _ = note.rpartition("\n\n")
    if not separator:
        raise ValueError("a signed note has a blank line before its signatures")
    return f"{text}\n"


def is_signed_by(note: str, key: NoteKey) -> bool:
    """Return whether a note carries a valid signature of the key."""
    text, separator, signatures = note.rpartition("\n\n")
    for line in signatures.splitlines() if separator else ():
        found = SIGNATURE.fullmatch(line)
        if found is None or found["name"] != key.name:
            continue
        try:
            signature = base64.b64decode(found["signature"], validate=True)
        except binascii.Error:
            continue
        if signature[:4] == key.id and _is_valid(key, signature[4:], f"{text}\n".encode()):
            return True
    return False


def _is_valid(key: NoteKey, signature: bytes, text: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text)
    except InvalidSignature:
        return False
    return True
