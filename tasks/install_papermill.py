"""Installs papermill in an environment of its own, besides the image's environment.

Needs   the software, for uv and its cache
Gives   Done; the resolved versions are in the run store as a lock file
Costs   nothing of its own
"""

from notebake.commands.papermill import LOCK_FILE, install_papermill, papermill_is_installed
from notebake.commands.software import LOCK_FILE_DIRECTORY
from notebake.machines.host_step import Product, find_on_host, make_on_host
from notebake.runbook.step import Done, Step
from notebake.runs import files
from notebake.runs.run import Run
from notebake.ssh import file_transfer
from notebake.ssh.host import Host

NAME = "install_papermill"


def find(run: Run) -> Done | None:
    """Return the result if papermill is complete."""
    return find_on_host(run, NAME, product=Product(papermill_is_installed()))


def make(run: Run) -> Done:
    """Install papermill in a detached work, and store its lock file."""
    recipe = run.recipe
    work = install_papermill(
        user=recipe.base_image.user, until=recipe.packages_until, at_once=recipe.packages_at_once
    )
    return make_on_host(
        run,
        NAME,
        [work],
        product=Product(papermill_is_installed()),
        keep=keep_lock,
        timeout_seconds=recipe.software.timeout_seconds,
    )


def keep_lock(run: Run, host: Host) -> str:
    """Store the lock file."""
    lock = file_transfer.get_file(host, f"{LOCK_FILE_DIRECTORY}/{LOCK_FILE}")
    files.put_file(run, f"locks/{LOCK_FILE}", lock)
    return ""


STEP = Step(NAME, "Install papermill", find, make)
