"""Installs the distribution's packages: those of the recipe, and those that other steps need.

With EFS in the recipe also AWS's client of it, which the distribution does not have.

Needs   the reachable builder
Gives   Done, at once if no package is missing; a rebake also brings all others up to date
Costs   nothing of its own
"""

from notebake.commands.apt import install_packages, packages_are_installed
from notebake.commands.efs import efs_client_is_installed, install_efs_client
from notebake.commands.shell import NETWORK_ENVIRONMENT, script
from notebake.machines.host_step import find_on_host, make_on_host
from notebake.runbook.step import Done, Step
from notebake.runs.run import Run

NAME = "install_packages"


def find(run: Run) -> Done | None:
    """Return the result if no package is missing, or this list was installed before.

    In a rebake only the marker counts: packages can be there and be out of date.
    """
    recipe = run.recipe
    installed = "" if recipe.rebake_began else packages_are_installed(recipe.software.apt)
    if installed and recipe.efs:
        installed += f" && {efs_client_is_installed(recipe.efs_client)}"
    return find_on_host(run, NAME, installed=installed)


def make(run: Run) -> Done:
    """Install the packages in a detached work."""
    software = run.recipe.software
    install = install_packages(software.apt, with_updates=bool(run.recipe.rebake_began))
    client = [install_efs_client(run.recipe.efs_client)] if run.recipe.efs else []
    work = script(NETWORK_ENVIRONMENT, install, *client)
    return make_on_host(run, NAME, [work], timeout_seconds=software.timeout_seconds)


STEP = Step(NAME, "Install the distribution's packages", find, make)
