"""Installs the distribution's packages: those of the recipe, and those that other steps need.

Needs   the reachable builder
Gives   Done, at once if no package is missing; a rebake also brings all others up to date
Costs   nothing of its own
"""

from notebake.commands.apt import install_packages, packages_are_installed
from notebake.commands.shell import NETWORK_ENVIRONMENT, script
from notebake.machines.host_step import find_on_host, make_on_host
from notebake.runbook.step import Done, Step
from notebake.runs.run import Run

NAME = "install_packages"


def find(run: Run) -> Done | None:
    """Return the result if no package is missing, or this list was installed before.

    In a rebake only the marker counts: packages can be there and be out of date.
    """
    installed = "" if run.recipe.rebake_began else packages_are_installed(run.recipe.software.apt)
    return find_on_host(run, NAME, installed=installed)


def make(run: Run) -> Done:
    """Install the packages in a detached work."""
    software = run.recipe.software
    install = install_packages(software.apt, with_updates=bool(run.recipe.rebake_began))
    work = script(NETWORK_ENVIRONMENT, install)
    return make_on_host(run, NAME, [work], timeout_seconds=software.timeout_seconds)


STEP = Step(NAME, "Install the distribution's packages", find, make)
