"""Installs JupyterLab as a service on the loopback address; each machine generates its own token.

With it comes the idle stop of servers, which asks JupyterLab whether it is used.

Needs   the software and the repository
Gives   Done: the service runs, and starts at every boot, as does the timer of the idle stop
Costs   nothing of its own
"""

from notebake.commands.idle_units import install_idle_stop
from notebake.commands.jupyter import install_jupyter_service, jupyter_is_running
from notebake.machines.host_step import Product, find_on_host, make_on_host
from notebake.machines.idle_program import idle_program
from notebake.runbook.step import Done, Step
from notebake.runs.run import Run
from notebake.timeouts import JUPYTER_SECONDS

NAME = "start_jupyter"


def find(run: Run) -> Done | None:
    """Return the result if the service is installed and answers."""
    return find_on_host(run, NAME, product=product_of(run))


def product_of(run: Run) -> Product:
    """Return how the running service is checked, and its address."""
    port = run.recipe.jupyter_port
    return Product(jupyter_is_running(port), f"127.0.0.1:{port}")


def make(run: Run) -> Done:
    """Install and start the service; `check_server` checks that it works."""
    recipe = run.recipe
    user, port = recipe.base_image.user, recipe.jupyter_port
    folder = recipe.repository_path or f"/home/{user}"
    script = install_jupyter_service(
        user=user,
        port=port,
        working_directory=folder,
        meanwhile=install_idle_stop(program=idle_program(), port=port, folder=folder),
    )
    timeout_seconds = JUPYTER_SECONDS + 60
    return make_on_host(
        run, NAME, [script], product=product_of(run), timeout_seconds=timeout_seconds
    )


STEP = Step(NAME, "Start JupyterLab as a service", find, make)
