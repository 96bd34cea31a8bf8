"""The datasets: by checksum, and without a credential of their source ever touching the host.

Needs   the mounted volumes
Gives   Done: every file or folder in its place
Costs   nothing of its own
"""

from notebake.commands.datasets import dataset_is_there

from notebake import host as ssh
from notebake.builder import find_on_host
from notebake.records import Done, Host, Run

NAME = "fetch_datasets"


def find_datasets(run: Run) -> Done | None:
    """Return that every dataset is in its place."""
    return find_on_host(run, NAME, lambda host: look(run, host))


def look(run: Run, host: Host) -> str | None:
    """Return how many there are, or None where one is missing."""
    if not all(ssh.succeeds(host, dataset_is_there(one)) for one in run.recipe.datasets):
        return None
    return f"{len(run.recipe.datasets)} datasets" if run.recipe.datasets else "no datasets"
