"""Key pairs of a run: made once, kept in the run store, never sent anywhere."""

from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from notebake import runs
from notebake.errors import RunStoreError
from notebake.records import Run


class Keys(NamedTuple):
    """An ed25519 key pair as OpenSSH writes it."""

    private: str
    public: str


def generate_keys() -> Keys:
    """Return a new key pair; ed25519, as Ubuntu refuses older RSA signatures since 22.04."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return Keys(private.decode(), public.decode())


def keys_of(run: Run, name: str) -> Keys:
    """Return the run's key pair of that name, the same one for ever after the first call."""
    kept = runs.keep_parameters(run, f"keys-{name}", generate_keys()._asdict())
    return Keys(str(kept["private"]), str(kept["public"]))


def private_key_path(run: Run, name: str) -> str:
    """Return the path of the run's private key, writing it (mode 0600) where it is not yet.

    Raises:
        RunStoreError: the run store is not a directory of this machine.
    """
    file_name = f"keys/{name}"
    if runs.get_file(run, file_name) is None:
        runs.put_file(run, file_name, keys_of(run, name).private.encode())
    path = runs.file_path(run, file_name)
    if path is None:
        raise RunStoreError(f"The key of run {run.id} is not on this machine.")
    return str(path)
