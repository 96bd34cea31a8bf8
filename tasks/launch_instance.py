"""The machine on which the image is built.

Needs   the key pair and the security group
Gives   Instance, tagged in the launching call, not yet reachable
Costs   instance-hours and its disks, until undone
"""

import logging

from notebake import keys
from notebake.asked import asked_for
from notebake.aws import instances, key_pairs, tags
from notebake.builder import baked_image
from notebake.errors import RecipeError
from notebake.launch import disks_of_builder, forget_launch, launch, resolve_base_image
from notebake.records import Image, Instance, Run
from notebake.step import Step
from notebake.user_data import user_data

log = logging.getLogger(__name__)


def find_instance(run: Run) -> Instance | Image | None:
    """Return the run's builder if EC2 has it, or the image that makes it superfluous.

    Raises:
        RecipeError: it was launched for other disks or another base than the recipe wants now.
    """
    found = instances.find_builder(run)
    if found is None:
        return baked_image(run)
    if found.tags.get(tags.LAUNCH) != asked_for(run.recipe, "launch_instance"):
        raise RecipeError(
            f"The recipe's machine, network or volumes changed after {found.id} was launched.",
            f"Type: notebake tear-down {run.id} - then build the recipe anew.",
        )
    return found


def launch_instance(run: Run) -> Instance:
    """Return as soon as EC2 has named the machine: from then on it can be found and ended."""
    base = resolve_base_image(run)
    host_keys = keys.keys_of(run, "builder-host")
    return launch(
        run,
        role="builder",
        number=1,
        instance_types=run.recipe.instance_types,
        image_id=base["ImageId"],
        key_name=key_pairs.key_pair_name(run, "builder"),
        user_data=user_data(
            host_key_private=host_keys.private,
            host_key_public=host_keys.public,
            lease_hours=run.recipe.lease_hours,
        ),
        disks=disks_of_builder(run.recipe, base["RootDeviceName"]),
        marks={tags.LAUNCH: asked_for(run.recipe, "launch_instance")},
    )


def terminate_instance(run: Run) -> None:
    """Terminate the builder, with its disks, and wait until it is gone."""
    found = [instance.id for instance in instances.find_instances(run, "builder")]
    if found:
        log.info("Terminating %s", ", ".join(found))
        instances.terminate_instances(found, run.recipe.region)
    forget_launch(run, role="builder", number=1)


STEP = Step(
    "launch_instance", "Launch the builder", find_instance, launch_instance, terminate_instance
)
