"""Installs JupyterLab as a service on the loopback address; each machine generates its own token.

Needs   the software and the repository
Gives   Done: the service runs, and starts at every boot
Costs   nothing of its own
"""

from notebake.commands.jupyter import install_jupyter_service, jupyter_is_running
from notebake.machines.host_step import find_on_host, make_on_host
from notebake.runbook.step import Done, Step
from notebake.runs.run import Run
from notebake.ssh import remote as ssh
from notebake.ssh.host import Host
from notebake.timeouts import JUPYTER_SECONDS

NAME = "start_jupyter"


def find(run: Run) -> Done | None:
    """Return the result if the service is installed and answers."""
    return find_on_host(run, NAME, probe)


def probe(run: Run, host: Host) -> str | None:
    """Return its address, or None if it does not run."""
    port = run.recipe.jupyter_port
    return f"127.0.0.1:{port}" if ssh.succeeds(host, jupyter_is_running(port)) else None


def make(run: Run) -> Done:
    """Install and start the service; `check_server` checks that it works."""
    user = run.recipe.base_image.user
    script = install_jupyter_service(
        user=user,
        port=run.recipe.jupyter_port,
        working_directory=run.recipe.repository_path or f"/home/{user}",
    )
    return make_on_host(run, NAME, [script], probe=probe, timeout_seconds=JUPYTER_SECONDS + 60)


STEP = Step(NAME, "Start JupyterLab as a service", find, make)
