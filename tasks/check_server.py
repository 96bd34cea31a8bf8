"""Uses JupyterLab on the builder as a person would: through an ssh tunnel, with its token.

Needs   the JupyterLab service
Gives   Done: a kernel started and ran a cell
Costs   nothing of its own
"""

from notebake.jupyter.checks import check_jupyter
from notebake.machines.builder import builder_host
from notebake.machines.host_step import find_on_host, mark_on_host
from notebake.runbook.step import Done, Step
from notebake.runs.run import Run

NAME = "check_server"


def find(run: Run) -> Done | None:
    """Return the result if the server was checked since it was installed."""
    return find_on_host(run, NAME)


def make(run: Run) -> Done:
    """Start a kernel through the tunnel and run a cell."""
    host = builder_host(run)
    version = check_jupyter(host, run.recipe.jupyter_port)
    return mark_on_host(run, host, NAME, f"Jupyter server {version} runs cells")


STEP = Step(NAME, "Check JupyterLab through a tunnel", find, make)
