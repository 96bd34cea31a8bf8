"""Clones the git repository with the notebooks.

Needs   the mounted volumes, as the clone may be on one of them
Gives   Done, with the commit
Costs   nothing of its own
"""

from notebake.commands.repository import clone_repository as clone_command
from notebake.commands.repository import repository_commit
from notebake.machines.host_step import find_on_host, make_on_host
from notebake.runbook.step import Done, Step
from notebake.runs.run import Run
from notebake.ssh import remote as ssh
from notebake.ssh.host import Host

NAME = "clone_repository"


def find(run: Run) -> Done | None:
    """Return the result with the commit if the clone exists."""
    return find_on_host(run, NAME, commit_of)


def commit_of(run: Run, host: Host) -> str | None:
    """Return the commit of the clone, or None if the clone is missing."""
    if run.recipe.repository_path is None:
        return "no repository"
    answer = ssh.try_command(host, repository_commit(run.recipe.repository_path))
    return answer.output.strip() if answer.exit_code == 0 else None


def make(run: Run) -> Done:
    """Clone the repository, or update the clone to the recipe's ref."""
    repository, path = run.recipe.repository, run.recipe.repository_path
    scripts = []
    if repository and path:
        user = run.recipe.base_image.user
        scripts.append(clone_command(repository=repository, path=path, user=user))
    return make_on_host(run, NAME, scripts, probe=commit_of, timeout_seconds=1800)


STEP = Step(NAME, "Clone the repository", find, make)
