"""The command with which a person logs in to a machine of a run, as it is typed."""

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
    """Return the command that logs in; the key is brought to this machine where it may be.

    It depends on nothing of whoever types it: no settings, no agent, no known hosts. The host key
    is pinned where it is known, and otherwise ssh asks.
    """
    user = run.recipe.base_image.user
    try:
        key_path = keys.private_key_path(run, role)
    except NotebakeError as error:
        return f"with the run's own key, which is not here: {error.message}"
    options = ["IdentitiesOnly=yes"]
    known_hosts_path = keep_host_key(run, machine, role, address, Path(key_path).parent)
    if known_hosts_path:
        # ssh_config(5): several files may be named, so a blank ends a name outside of quotes.
        options += [f'UserKnownHostsFile="{known_hosts_path}"', "StrictHostKeyChecking=yes"]
    port = "" if login.SSH_PORT == USUAL_PORT else f" -p {login.SSH_PORT}"
    told = " ".join(f"-o {quote(one)}" for one in options)
    return f"ssh -i {quote(key_path)} {user}@{address}{port} -F none {told}"


def keep_host_key(
    run: Run, machine: Instance, role: str, address: str, directory: Path
) -> Path | None:
    """Return a file of known hosts with the machine's key; None where nobody can tell it now."""
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
