"""The security group that lets ssh in, only from where the recipe says.

Needs   recipe.network
Gives   SecurityGroup, tagged with the run
Costs   nothing
"""

from notebake.aws import networks
from notebake.aws.model import Image, SecurityGroup
from notebake.images.baked import accepted_image
from notebake.machines import ssh_access
from notebake.machines.ssh_access import ensure_group, remove_group
from notebake.machines.worker_address import ssh_sources
from notebake.runbook.step import Step
from notebake.runs.run import Run


def find(run: Run) -> SecurityGroup | Image | None:
    """Return the run's group if it lets in exactly who should: a new address mends it.

    For an accepted image nobody has to be let in any more.
    """
    found = ssh_access.find_security_group(run)
    if found is None:
        return accepted_image(run)
    if found.ssh_from != ssh_sources(run.recipe):
        return None
    return found


def make(run: Run) -> SecurityGroup:
    """Make the group, or mend its rules."""
    return networks.allow_ssh(ensure_group(run), ssh_sources(run.recipe), run.recipe.region)


def undo(run: Run) -> None:
    """Delete the group, once no machine is in it any more."""
    remove_group(run)


STEP = Step("open_ssh", "Let ssh in from here", find, make, undo)
