"""What the keys do that a person presses while a server is open."""

import os
import subprocess
import sys
from collections.abc import Callable

from notebake.errors import NotebakeError
from notebake.servers.folders import Reached
from notebake.servers.ssh_config import alias_of
from notebake.servers.ssh_include import include, is_included, user_config_path

KEEP_HOURS = 1
KEEP_PROGRAM = "from notebake.project import notebake; notebake()"


def add_to_ssh(reached: Reached) -> str:
    """Let the user's ssh configuration include ours; return what came of it, for a person."""
    alias = alias_of(reached)
    if not is_included(user_config_path()):
        try:
            include(user_config_path(), alias)
        except NotebakeError as error:
            return str(error)
    return f"Type in any terminal: ssh {alias}"


def keep_awhile(reached: Reached) -> str:
    """Keep the server from stopping for idleness; return what came of it, for a person.

    The client of EC2 would take more memory than `open` may hold, hence another process.
    """
    words = ["keep", reached.name, "--for", f"{KEEP_HOURS}h", "--region", reached.region]
    words += ["--owner", reached.owner]
    done = subprocess.run(
        [sys.executable, "-c", KEEP_PROGRAM, *words],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    return (done.stdout if done.returncode == 0 else done.stderr).strip()


SSH_KEY = "s"
ACTIONS: dict[str, Callable[[Reached], str]] = {"k": keep_awhile, SSH_KEY: add_to_ssh}
"""Each returns what is shown of it; it may take a while, and runs beside the tunnel."""
