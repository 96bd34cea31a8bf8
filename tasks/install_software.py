"""Installs the recipe's software by conda or pip, with JupyterLab.

Needs   the distribution's packages
Gives   Done; the resolved versions are in the run store as lock files
Costs   nothing of its own
"""

from notebake.commands.software import (
    install_software,
    parse_locks,
    read_locks,
    software_is_installed,
)
from notebake.errors import DiskFullError, HostCommandError
from notebake.machines.host_step import Product, find_on_host, make_on_host
from notebake.recipe.software_advice import advise
from notebake.runbook.plan import step_digest
from notebake.runbook.step import Done, Step
from notebake.runs import files
from notebake.runs.run import Run
from notebake.ssh import remote as ssh
from notebake.ssh.host import Host

NAME = "install_software"


def find(run: Run) -> Done | None:
    """Return the result if exactly this list was installed and works."""
    return find_on_host(run, NAME, product=product_of(run))


def product_of(run: Run) -> Product:
    """Return how the installed programs are checked."""
    digest = step_digest(run.recipe, NAME)
    return Product(software_is_installed(digest, manager=run.recipe.software.manager))


def make(run: Run) -> Done:
    """Install the software in a detached work, and store its lock files."""
    software, user = run.recipe.software, run.recipe.base_image.user
    script = install_software(
        software,
        user=user,
        digest=step_digest(run.recipe, NAME),
        until=run.recipe.packages_until,
        at_once=run.recipe.packages_at_once,
    )
    try:
        return make_on_host(
            run,
            NAME,
            [script],
            product=product_of(run),
            keep=keep_locks,
            timeout_seconds=software.timeout_seconds,
        )
    except DiskFullError:
        raise
    except HostCommandError as error:
        raise error.with_hint(advise(error.output, software)) from None


def keep_locks(run: Run, host: Host) -> str:
    """Store the lock files; return how many Python packages they contain, as a phrase."""
    count = 0
    for name, content in parse_locks(ssh.run_command(host, read_locks())).items():
        files.put_file(run, f"locks/{name}", content)
        if name == "requirements.txt":
            count = sum(1 for line in content.splitlines() if line and not line.startswith(b"#"))
    return f"{count} Python packages"


STEP = Step(NAME, "Install the software", find, make)
