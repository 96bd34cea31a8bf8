"""The ssh keys of a run: generated once and stored. EC2 gets only the public keys."""

from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from notebake.runs import files, secret_store
from notebake.runs.run import Run


class Keys(NamedTuple):
    """An ed25519 key pair as OpenSSH writes it."""

    private: str
    public: str


def generate_keys() -> Keys:
    """Return a new ed25519 key pair: Ubuntu refuses older RSA signatures since 22.04."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    return Keys(private, public_key_of(private))


def public_key_of(private_key: str) -> str:
    """Return the public key of a private key."""
    public = load_ssh_private_key(private_key.encode(), password=None).public_key()
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def keys_of(run: Run, name: str) -> Keys:
    """Return the run's key pair of that name; the first call generates it."""
    private = secret_store.read_secret(run, name)
    if private is None:
        private = secret_store.record_secret(run, name, generate_keys().private)
        # For people only: the code derives the public key from the private key.
        files.put_file(run, f"keys/{name}.pub", f"{public_key_of(private)}\n".encode())
    return Keys(private, public_key_of(private))


def private_key_path(run: Run, name: str) -> str:
    """Return the path of the run's private key on this machine (mode 0600), for `ssh -i`."""
    return str(secret_store.secret_file(run, name, keys_of(run, name).private))
