"""The keys that sign checkpoints. They never lie in the record that they protect.

A key is a private file in notebake's home on the machine that makes the checkpoints, or, with
`NOTEBAKE_RECORD_KEY=ssm:REGION`, a SecureString in Systems Manager that several machines share. A
record is signed by one key at a time. To change it, the first checkpoint that the new key signs is
signed by the old one as well; so whoever trusts the old key may trust the new one.
"""

import os

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from notebake.errors import NotebakeError
from notebake.ledger.signed_note import NoteKey
from notebake.runs.key_store import HomeKeys, KeyStore, ParameterKeys

VARIABLE = "NOTEBAKE_RECORD_KEY"
CURRENT = "record-key.pem"


def open_key_store() -> KeyStore:
    """Return where the keys lie.

    Raises:
        NotebakeError: the variable names no such place.
    """
    named = os.environ.get(VARIABLE, "")
    if not named:
        return HomeKeys()
    kind, _, region = named.partition(":")
    if kind != "ssm" or not region:
        raise NotebakeError(
            f"{VARIABLE} is {named!r}, and names no place for the key that signs checkpoints.",
            f"Type: export {VARIABLE}=ssm:us-west-2, or unset it for a file in notebake's home.",
        )
    return ParameterKeys(region)


def signing_key() -> Ed25519PrivateKey:
    """Return the key that signs; the first call makes it.

    Raises:
        NotebakeError: what lies in its place is no Ed25519 key.
        CloudError: Systems Manager refused.
    """
    keys = open_key_store()
    content = keys.read(CURRENT) or keys.create(CURRENT, _new_key())
    return _parse(content, CURRENT, keys)


def earlier_key(fingerprint: str) -> Ed25519PrivateKey | None:
    """Return a key that signed before; None if it is not kept here. Raises as `signing_key`.

    It is also looked for in notebake's home, from where a key may have gone to Systems Manager.
    """
    for keys in (open_key_store(), HomeKeys()):
        for name in (_name_of_earlier(fingerprint), CURRENT):
            content = keys.read(name)
            key = _parse(content, name, keys) if content else None
            if key and fingerprint_of(key) == fingerprint:
                return key
    return None


def change_key() -> None:
    """Let a new key sign from now on; the one before is kept under its fingerprint.

    The next checkpoint of each record is then signed by both. May be repeated after a kill.
    Raises as `signing_key` does.
    """
    keys, before = open_key_store(), signing_key()
    keys.create(_name_of_earlier(fingerprint_of(before)), _as_pem(before))
    keys.overwrite(CURRENT, _new_key())


def fingerprint() -> str:
    """Return the fingerprint of the key that signs: the SHA-256 of its public part."""
    return fingerprint_of(signing_key())


def fingerprint_of(private: Ed25519PrivateKey) -> str:
    """Return the fingerprint of a key."""
    return NoteKey("", private.public_key().public_bytes_raw()).fingerprint


def _new_key() -> bytes:
    return _as_pem(Ed25519PrivateKey.generate())


def _as_pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _name_of_earlier(fingerprint: str) -> str:
    return f"record-key-{fingerprint}.pem"


def _parse(content: bytes, name: str, keys: KeyStore) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(content, password=None)
    except ValueError as error:
        raise _not_a_key(keys.where(name)) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _not_a_key(keys.where(name))
    return key


def _not_a_key(where: str) -> NotebakeError:
    return NotebakeError(
        f"{where} should hold the Ed25519 key that signs checkpoints, and holds something else.",
        "Put the key back from your backup. Without it, move this away: a new key is made, and"
        " `notebake history verify` says that the key has changed.",
    )
