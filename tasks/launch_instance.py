"""Launches the builder, the machine on which the image is made.

Needs   the key pair and the security group
Gives   Instance, tagged by the launch itself, not yet reachable
Costs   instance-hours and its disks, until undone
"""

import logging

from notebake.aws import tags
from notebake.aws.model import Image, Instance
from notebake.aws.names import name_of_key_pair
from notebake.commands.user_data import user_data
from notebake.images.image_state import current_image
from notebake.machines.block_devices import disks_of_builder
from notebake.machines.launch import launch, resolve_base_image
from notebake.machines.launch_request import remove_machines
from notebake.resources import stack_instances
from notebake.runbook.plan import step_digest
from notebake.runbook.step import Step
from notebake.runs import keys, secret_store
from notebake.runs.run import Run

log = logging.getLogger(__name__)
ROLE = "builder"


def find(run: Run) -> Instance | Image | None:
    """Return the run's builder if it fits the recipe, or the image of such a builder."""
    found = stack_instances.find_builder(run)
    if found is None:
        return current_image(run)
    return found if is_wanted(run, found) else None


def is_wanted(run: Run, instance: Instance) -> bool:
    """Return whether a machine is not lost and has the current recipe's base, disks and type."""
    digest = step_digest(run.recipe, "launch_instance")
    is_current = instance.tags.get(tags.LAUNCH) == digest and tags.LOST not in instance.tags
    return is_current and instance.instance_type in run.recipe.instance_types


def make(run: Run) -> Instance:
    """Launch the builder; return as soon as EC2 has given it an id.

    A machine that accepted no ssh login, or has another base, other disks or another type, is
    terminated first.
    """
    for found in stack_instances.find_instances(run, ROLE):
        if is_wanted(run, found):
            return found
        why = found.tags.get(tags.LOST, "does not fit the current recipe")
        log.warning("%s %s: replacing it", found.id, why)
        remove_machines(run, ROLE, 1)
    base = resolve_base_image(run)
    return launch(
        run,
        role=ROLE,
        number=1,
        instance_types=run.recipe.instance_types,
        image_id=base["ImageId"],
        key_name=name_of_key_pair(run.id, ROLE),
        user_data=user_data(
            host_key_private=secret_store.placeholder("builder-host"),
            host_key_public=keys.keys_of(run, "builder-host").public,
            lease_hours=run.recipe.lease_hours,
        ),
        disks=disks_of_builder(run.recipe, base["RootDeviceName"]),
        marks={tags.LAUNCH: step_digest(run.recipe, "launch_instance")},
    )


def undo(run: Run) -> None:
    """Terminate the builder with its disks, and wait until it is terminated."""
    remove_machines(run, ROLE, 1)


STEP = Step("launch_instance", "Launch the builder", find, make, undo)
