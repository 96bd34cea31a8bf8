"""What a scripted host and its volumes hold, and keep over a stop."""

import uuid
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)


@dataclass
class VolumeDisk:
    """A volume: blank, or with one file system."""

    file_system: str = ""
    """Its UUID; "" for a blank one."""


@dataclass
class RootDisk:
    """A root file system: all that is on it goes into an image."""

    machine_id: str = ""
    host_key: str = ""
    private_host_key: str = ""
    authorized: set[str] = field(default_factory=set)
    """Public keys, without their comments."""
    instance_seen: str = ""
    """The instance for which cloud-init has done what it does once; "" after its cleaning."""
    marks: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Step → digest and phrase."""
    files: dict[str, bytes] = field(default_factory=dict)
    mounts: dict[str, str] = field(default_factory=dict)
    """fstab: mount point → UUID."""
    packages: set[str] = field(default_factory=set)
    """Of the distribution, as far as steps cannot do without them."""
    software: str = ""
    """The digest that it was installed from."""
    jupyter_port: int = 0
    token: str = ""
    commit: str = ""
    datasets: set[str] = field(default_factory=set)
    """Digests of those in their places."""


def new_machine_id() -> str:
    return uuid.uuid4().hex


def new_host_key() -> tuple[str, str]:
    """Return a public and a private key."""
    private = Ed25519PrivateKey.generate()
    shown = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    kept = private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    return shown.decode(), kept.decode()


def without_comment(public_key: str) -> str:
    """Return the kind and the body of a public key, by which two of them are compared."""
    return " ".join(public_key.split()[:2])
