"""The private key with which a line logs in."""

import asyncssh

from notebake.errors import NotebakeError
from notebake.ssh.host import Host


def key_of(host: Host) -> dict[str, object]:
    """Return which key logs in: that of the file; if that has a passphrase, the agent's copy of it.

    Raises:
        NotebakeError: the file cannot be read.
    """
    path = host.private_key_path
    try:
        return {"client_keys": [asyncssh.read_private_key(path)], "agent_path": None}
    except asyncssh.KeyEncryptionError:
        return {"client_keys": (), "agent_identities": [f"{path}.pub"]}
    except asyncssh.KeyImportError as error:
        if "passphrase" in str(error).lower():
            return {"client_keys": (), "agent_identities": [f"{path}.pub"]}
        raise NotebakeError(f"The key file {path} is no private key: {error}") from error
    except OSError as error:
        raise NotebakeError(
            f"The key file {path} cannot be read: {error.strerror or error}.",
            "Name the private key whose public half is on the server: --key FILE",
        ) from error
