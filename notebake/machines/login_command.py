"""The ssh command with which a person logs in to a machine of a run."""

import logging
from pathlib import Path
from shlex import quote

from notebake.aws.model import Instance
from notebake.errors import NotebakeError
from notebake.local.atomic_files import write_file
from notebake.machines.builder import host_key_of
from notebake.runs import keys
from notebake.runs.run import Run
from notebake.ssh import login

log = logging.getLogger(__name__)
USUAL_PORT = 22


def login_command(run: Run, machine: Instance, *, role: str, address: str) -> str:
    """Return the command that logs in; the private key is copied to this machine if possible.

    The command ignores the user's ssh settings, agent and known hosts. The host key is pinned if it
    is known; otherwise ssh prompts.
    """
    user = run.recipe.base_image.user
    try:
        key_path = keys.private_key_path(run, role)
    except NotebakeError as error:
        return f"with the run's key, which is not on this machine: {error.message}"
    options = ["IdentitiesOnly=yes"]
    known_hosts_path = keep_host_key(run, machine, role, address, Path(key_path).parent)
    if known_hosts_path:
        # ssh_config(5): the option takes several files, so a path with blanks needs quotes.
        options += [f'UserKnownHostsFile="{known_hosts_path}"', "StrictHostKeyChecking=yes"]
    port = "" if login.SSH_PORT == USUAL_PORT else f" -p {login.SSH_PORT}"
    listed = " ".join(f"-o {quote(option)}" for option in options)
    return f"ssh -i {quote(key_path)} {user}@{address}{port} -F none {listed}"


def keep_host_key(
    run: Run, machine: Instance, role: str, address: str, directory: Path
) -> Path | None:
    """Write a known_hosts file with the machine's host key; None if the key is not known yet."""
    try:
        host_key = host_key_of(run, machine, role)
        if host_key is None:
            return None
        place = address if login.SSH_PORT == USUAL_PORT else f"[{address}]:{login.SSH_PORT}"
        path = directory / f"known_hosts.{machine.id}"
        write_file(path, f"{place} {host_key}\n".encode())
    except (NotebakeError, OSError) as error:
        log.debug("The host key of %s is not pinned: %s", machine.id, error)
        return None
    return path
