"""The private key of a server on this computer, and the permissions that OpenSSH wants for it."""

import os
import shlex
import stat
import sys
from contextlib import suppress
from pathlib import Path

from notebake.errors import NotebakeError
from notebake.local.atomic_files import create_file, write_file
from notebake.servers.folders import PLACE_NAME, KeptServer, claim_folder, first_folder, folder_of
from notebake.servers.next_command import NamedServer, command_on
from notebake.servers.place import KEY_NAME

KEY_FILES = {
    "ssh-ed25519": "id_ed25519",
    "ssh-rsa": "id_rsa",
    "ecdsa-sha2-nistp256": "id_ecdsa",
    "ecdsa-sha2-nistp384": "id_ecdsa",
    "ecdsa-sha2-nistp521": "id_ecdsa",
    "sk-ssh-ed25519@openssh.com": "id_ed25519_sk",
    "sk-ecdsa-sha2-nistp256@openssh.com": "id_ecdsa_sk",
}
"""Where ssh-keygen puts the private key of each type, in ~/.ssh (ssh-keygen(1), FILES)."""
KEY_TYPES = tuple(KEY_FILES)
NAME_OF_OWN = "own-key"
"""A file with the path of a person's own key, if that opens the server."""


def key_path(server: KeptServer) -> Path:
    """Return the path of a server's private key: a person's own, or the one made for the server."""
    folder = folder_of(server)
    try:
        return Path((folder / NAME_OF_OWN).read_text(encoding="utf-8").strip())
    except OSError:
        path = folder / KEY_NAME
    return path if path.exists() else _key_of_before(server) or path


def _key_of_before(server: KeptServer) -> Path | None:
    """Return the key that servers of a name have shared, from before places were kept apart."""
    path = first_folder(server) / KEY_NAME
    claim = path.with_name(PLACE_NAME)
    with suppress(FileNotFoundError):
        made = path.stat().st_mtime
        if not claim.exists() or made < claim.stat().st_mtime:
            return path
    return None


def ensure_key(server: KeptServer, own: str = "") -> str:
    """Return the public key that a server gets, as OpenSSH writes it; its private key is kept.

    It is for a server that is not there yet. With `own`, the path of a person's private key, that
    is remembered instead of making another; without it, one of an earlier server is forgotten.

    Raises:
        NotebakeError: the own key cannot be read, or is none.
    """
    if own:
        path = Path(own).expanduser().absolute()
        public = public_key_of(path)
        write_file(claim_folder(server) / NAME_OF_OWN, f"{path}\n".encode())
        return public
    forget_own(server)
    path = claim_folder(server) / KEY_NAME
    if not path.exists():
        from notebake.runs.keys import generate_keys

        keys = generate_keys()
        if create_file(path, keys.private.encode()):
            write_file(path.with_name(f"{path.name}.pub"), f"{keys.public}\n".encode())
            restrict(path)
    return public_key_of(path)


def read_public_key(text: str) -> str:
    """Return a public key that a person has pasted, without its comment.

    Raises:
        NotebakeError: it is none; a private key is not repeated.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key

    words = text.split()[:2]
    try:
        load_ssh_public_key(" ".join(words).encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise NotebakeError(
            f"The public key cannot be read: {error}",
            "Paste the whole line of the file that ends in .pub, such as ~/.ssh/id_ed25519.pub",
        ) from error
    return " ".join(words)


def public_key_of(path: Path) -> str:
    """Return the public key of a private key, from the file beside it if there is one.

    Raises:
        NotebakeError: neither can be read.
    """
    from notebake.runs import keys

    beside = path.with_name(f"{path.name}.pub")
    try:
        if beside.exists():
            return " ".join(beside.read_text(encoding="utf-8").split()[:2])
        return keys.public_key_of(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError) as error:
        raise NotebakeError(
            f"The key file {path} cannot be used: {error}.",
            "Name a private key of OpenSSH's format, with its public key beside it: --key FILE",
        ) from error


def remember_own(server: KeptServer, path: Path) -> None:
    """Remember a person's own key for a server, unless another one is on this computer."""
    if not key_path(server).is_file():
        write_file(claim_folder(server) / NAME_OF_OWN, f"{path}\n".encode())


def forget_own(server: KeptServer) -> None:
    """Forget which key of a person's own opens a server that is gone; the key itself stays."""
    (folder_of(server) / NAME_OF_OWN).unlink(missing_ok=True)


def check_key(path: Path, server: NamedServer) -> None:
    """Check that ssh will take the key file.

    Raises:
        NotebakeError: it is not there, or others may read it; the hint has the line that helps.
    """
    if not path.is_file():
        raise NotebakeError(
            f"The key of the server {server.name} is not on this computer: {path} does not exist.",
            "Copy it from the computer on which the server was started.",
        ).with_next(
            command_on(
                server, "open", "--key", "FILE", purpose="With another that the server accepts"
            )
        )
    if sys.platform != "win32" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise NotebakeError(
            f"Others may read the key file {path}, so ssh refuses it.",
            f"Type: {restricting_command(path, sys.platform)}",
        )


def restrict(path: Path) -> None:
    """Let nobody but the user read the file, in the way of this system."""
    if sys.platform != "win32":
        path.chmod(0o600)
        return
    import subprocess

    words = restricting_words(path, os.environ.get("USERNAME", ""))
    subprocess.run(words, check=True, capture_output=True)


def restricting_command(path: Path, platform: str) -> str:
    """Return the line that a person types on a system, so that OpenSSH takes a key file.

    On a Windows drive that WSL shows below /mnt every file is readable by all and chmod does
    nothing, unless the drive is mounted with metadata: there the key has to move.
    https://learn.microsoft.com/windows/wsl/wsl-config, "metadata"
    """
    if platform == "win32":
        return f'icacls "{path}" /inheritance:r /grant:r "$($env:USERNAME):F"'
    if str(path).startswith("/mnt/"):
        folder = "~/.ssh"
        return f"cp {shlex.quote(str(path))} {folder}/ && chmod 600 {folder}/{path.name}"
    return f"chmod 600 {shlex.quote(str(path))}"


def restricting_words(path: Path, user: str) -> list[str]:
    """Return the same for Windows as a program's arguments."""
    return ["icacls", str(path), "/inheritance:r", "/grant:r", f"{user}:F"]
