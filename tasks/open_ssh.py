"""Creates the security group that allows ssh only from the recipe's addresses.

Needs   recipe.network
Gives   SecurityGroup, tagged with the run
Costs   nothing
"""

from notebake.aws import networks
from notebake.aws.model import Image, SecurityGroup
from notebake.images.image_state import accepted_image
from notebake.machines import ssh_access
from notebake.machines.ssh_access import ensure_group, remove_group
from notebake.machines.worker_address import ssh_sources
from notebake.runbook.step import Step
from notebake.runs.run import Run


def find(run: Run) -> SecurityGroup | Image | None:
    """Return the run's group if its rules match the recipe, or the accepted image.

    A new address of this worker makes `make` update the rules.
    """
    found = ssh_access.find_security_group(run)
    if found is None:
        return accepted_image(run)
    if found.ssh_from != ssh_sources(run.recipe):
        return None
    return found


def make(run: Run) -> SecurityGroup:
    """Create the group, or update its rules."""
    return networks.allow_ssh(ensure_group(run), ssh_sources(run.recipe), run.recipe.region)


def undo(run: Run) -> None:
    """Delete the group as soon as no machine uses it."""
    remove_group(run)


STEP = Step("open_ssh", "Let ssh in from here", find, make, undo)
