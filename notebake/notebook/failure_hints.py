"""Hints after a notebook failed: changes in the clone, and the next commands."""

from shlex import quote

from notebake.commands.repository import repository_changes
from notebake.errors import HostUnreachableError, NextCommand, resume
from notebake.runs.run import Run
from notebake.ssh import remote as ssh
from notebake.ssh.host import Host

MOST_NAMES = 10


def describe_clone_changes(run: Run, host: Host) -> str:
    """Return a line about changes in the clone, which may be the reason for the failure, or "".

    Notebooks cannot change the clone, but with earlier versions of notebake they could.
    """
    path = run.recipe.repository_path
    if path is None or run.recipe.notebook.path is None:
        return ""
    try:
        answer = ssh.try_command(host, repository_changes(path))
    except HostUnreachableError:
        return ""  # the notebook's failure is reported without this hint
    names = [line[3:] for line in answer.output.splitlines()]
    if answer.exit_code != 0 or not names:
        return ""
    shown = ", ".join(names[:MOST_NAMES]) + (" …" if len(names) > MOST_NAMES else "")
    git = f"git -C {quote(path)}"
    return (
        f"The clone on {host.address} has changes: {shown}. A person made them, or an earlier"
        f" version of notebake. To discard them, run there: {git} reset --hard &&"
        f" {git} clean -d --force\n"
    )


def next_commands(run: Run) -> tuple[NextCommand, ...]:
    """Return the commands to run after a correction; the clone is updated only on request."""
    recipe = resume(run.id, purpose="With a corrected recipe")
    if run.recipe.repository is None:
        return (recipe,)
    options = ("--from", "clone_repository")
    return recipe, resume(run.id, *options, purpose="With a corrected notebook in the repository")
