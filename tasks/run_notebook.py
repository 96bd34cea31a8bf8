"""Runs the notebook on the builder with papermill, as the proof that the machine works.

Needs   the software, the repository, the datasets
Gives   Done; the executed notebook, its HTML and its verdict are in the run store
Costs   nothing of its own
"""

from notebake.humanize import pluralize
from notebake.machines.builder import builder_host
from notebake.machines.host_step import find_on_host, mark_on_host
from notebake.notebook.execute import execute_notebook, read_verdict
from notebake.notebook.kept_results import BUILDER_NAME
from notebake.notebook.verdict import NotebookVerdict
from notebake.runbook.step import Done, Step
from notebake.runs.run import Run
from notebake.ssh.host import Host

NAME = "run_notebook"


def find(run: Run) -> Done | None:
    """Return the result if the notebook passed on this machine and its verdict is stored."""
    return find_on_host(run, NAME, probe)


def probe(run: Run, _host: Host) -> str | None:
    """Return the summary of the stored verdict; None if the notebook has not passed."""
    verdict = read_verdict(run, BUILDER_NAME)
    return summary(verdict) if verdict and verdict.error is None else None


def make(run: Run) -> Done:
    """Run the notebook, store it, and check the results."""
    host = builder_host(run)
    verdict = execute_notebook(run, host, BUILDER_NAME)
    return mark_on_host(run, host, NAME, summary(verdict))


def summary(verdict: NotebookVerdict) -> str:
    """Return a verdict as a phrase."""
    counts = pluralize(verdict.cells, "cell"), pluralize(verdict.figures, "figure")
    return f"{', '.join(counts)}, {verdict.seconds:.1f} s"


STEP = Step(NAME, "Run the notebook", find, make)
