"""What to do about a notebook that failed."""

from shlex import quote

from notebake.commands.repository import repository_changes
from notebake.errors import HostUnreachableError, NextCommand, resume
from notebake.runs.run import Run
from notebake.ssh import remote as ssh
from notebake.ssh.host import Host

MOST_NAMES = 10


def describe_clone_changes(run: Run, host: Host) -> str:
    """Return a line about what the clone holds and the repository does not; it may be the reason.

    A notebook leaves nothing there, but an earlier version of notebake let it.
    """
    path = run.recipe.repository_path
    if path is None or run.recipe.notebook.path is None:
        return ""
    try:
        answer = ssh.try_command(host, repository_changes(path))
    except HostUnreachableError:
        # What is told is the notebook's failure; this would only add to it.
        return ""
    names = [line[3:] for line in answer.output.splitlines()]
    if answer.exit_code != 0 or not names:
        return ""
    shown = ", ".join(names[:MOST_NAMES]) + (" …" if len(names) > MOST_NAMES else "")
    git = f"git -C {quote(path)}"
    return (
        f"The clone on {host.address} is not as cloned: {shown}. A person changed it, or an earlier"
        f" version of notebake. To give that up, type there: {git} reset --hard &&"
        f" {git} clean -d --force\n"
    )


def next_commands(run: Run) -> tuple[NextCommand, ...]:
    """Return what to type after a correction: a clone is not looked at again by itself."""
    recipe = resume(run.id, purpose="With a corrected recipe")
    if run.recipe.repository is None:
        return (recipe,)
    options = ("--from", "clone_repository")
    return recipe, resume(run.id, *options, purpose="With a corrected notebook in the repository")
