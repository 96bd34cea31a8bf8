"""The security group that lets ssh in, only from where the recipe says.

Needs   recipe.network
Gives   SecurityGroup, tagged with the run
Costs   nothing
"""

import logging

from notebake import runs
from notebake.aws import networks
from notebake.builder import accepted_image
from notebake.own_address import ssh_sources
from notebake.records import Image, Run, SecurityGroup
from notebake.step import Step

log = logging.getLogger(__name__)


def find_open_ssh(run: Run) -> SecurityGroup | Image | None:
    """Return the run's group if it lets in exactly who should: a new address mends it.

    For an accepted image nobody has to be let in any more.
    """
    found = networks.find_security_group(run)
    if found is None:
        return accepted_image(run)
    if found.ssh_from != ssh_sources(run.recipe):
        return None
    return found


def open_ssh(run: Run) -> SecurityGroup:
    """Make the group, or mend its rules."""
    region = run.recipe.region
    group = networks.find_security_group(run)
    if group is None:
        runs.record_intent(run, "open_ssh", {"name": networks.group_name(run)})
        vpc_id = networks.find_subnets(run.recipe.network, region)[0]["VpcId"]
        group = networks.create_security_group(run, vpc_id)
    return networks.allow_ssh(group, ssh_sources(run.recipe), region)


def close_ssh(run: Run) -> None:
    """Delete the group, once no machine is in it any more."""
    if found := networks.find_security_group(run):
        log.info("Deleting the security group %s", found.id)
        networks.delete_security_group(found, run.recipe.region)


STEP = Step("open_ssh", "Let ssh in from here", find_open_ssh, open_ssh, close_ssh)
