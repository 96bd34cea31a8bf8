"""The key that signs checkpoints. It never lies in the record that it protects.

It is a private file in notebake's home on the machine that makes the checkpoints. A record is
signed by one key at a time; a new one is announced in the first checkpoint that it signs.
"""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from notebake.errors import NotebakeError
from notebake.ledger.signed_note import NoteKey
from notebake.local.atomic_files import create_file
from notebake.local.home import home

FILE = "record-key.pem"


def signing_key() -> Ed25519PrivateKey:
    """Return this machine's key; the first call makes it.

    Raises:
        NotebakeError: the file holds no Ed25519 key.
    """
    path = home() / FILE
    if not path.exists():
        made = Ed25519PrivateKey.generate()
        create_file(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except ValueError as error:
        raise _not_a_key(path) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _not_a_key(path)
    return key


def fingerprint() -> str:
    """Return the fingerprint of this machine's key: the SHA-256 of its public part."""
    return NoteKey("", signing_key().public_key().public_bytes_raw()).fingerprint


def _not_a_key(path: object) -> NotebakeError:
    return NotebakeError(
        f"{path} should hold the Ed25519 key that signs checkpoints, and holds something else.",
        "Put the key back from your backup. Without it, move the file away: a new key is made, and"
        " `notebake history verify` says that the key has changed.",
    )
