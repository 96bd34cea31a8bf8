"""Two machines from the new image, as strangers would start them.

Needs   the available image
Gives   Machines, of the acceptance types, with a second key pair and no host key from us
Costs   two instances for some minutes
"""

import logging

from notebake import keys, runs
from notebake.asked import asked_for
from notebake.aws import instances, key_pairs, tags
from notebake.builder import baked_image
from notebake.errors import CloudError
from notebake.launch import forget_launch, launch
from notebake.records import Image, KeyPair, Machines, Run
from notebake.step import Step
from notebake.user_data import user_data

log = logging.getLogger(__name__)
NAME = "launch_acceptance"
ROLE = "acceptance"
COUNT = 2


def find_machines(run: Run) -> Image | Machines | None:
    """Return the machines, or the image where it has been accepted already."""
    image = baked_image(run)
    if image and tags.ACCEPTED in image.tags:
        return image
    found = instances.find_instances(run, ROLE)
    current = [one for one in found if image and one.image_id == image.id]
    return Machines(instances=tuple(current)) if len(current) == COUNT else None


def launch_acceptance(run: Run) -> Machines:
    """Launch what is missing of the two; machines from an older image go first."""
    image = baked_image(run)
    if image is None:
        raise CloudError(f"The image of run {run.id} is gone.", f"notebake resume {run.id}")
    found = instances.find_instances(run, ROLE)
    outdated = [one.id for one in found if one.image_id != image.id]
    if outdated:
        instances.terminate_instances(outdated, run.recipe.region)
    ensure_key_pair(run)
    types = run.recipe.acceptance.instance_types or run.recipe.instance_types
    present = {one.tags.get("notebake:number") for one in found if one.image_id == image.id}
    for number in range(1, COUNT + 1):
        if str(number) not in present:
            launch(
                run,
                role=ROLE,
                number=number,
                instance_types=types,
                image_id=image.id,
                key_name=key_pairs.key_pair_name(run, ROLE),
                user_data=user_data(lease_hours=run.recipe.lease_hours),
                disks=[],
                marks={
                    "notebake:number": str(number),
                    tags.LAUNCH: asked_for(run.recipe, NAME),
                },
            )
    return Machines(instances=tuple(instances.find_instances(run, ROLE)))


def ensure_key_pair(run: Run) -> KeyPair:
    """Give EC2 the second key: the first one must not open these machines."""
    found = key_pairs.find_key_pair(run, ROLE)
    if found is None:
        runs.record_intent(run, NAME, {"key pair": key_pairs.key_pair_name(run, ROLE)})
        found = key_pairs.import_key_pair(run, ROLE, keys.keys_of(run, ROLE).public)
    return found


def terminate_machines(run: Run) -> None:
    """Terminate the machines and remove their key pair."""
    found = [one.id for one in instances.find_instances(run, ROLE)]
    if found:
        log.info("Terminating %s", ", ".join(found))
        instances.terminate_instances(found, run.recipe.region)
    for number in range(1, COUNT + 1):
        forget_launch(run, role=ROLE, number=number)
    if key_pair := key_pairs.find_key_pair(run, ROLE):
        log.info("Deleting the key pair %s", key_pair.name)
        key_pairs.delete_key_pair(key_pair, run.recipe.region)


STEP = Step(
    NAME, "Start two machines from the image", find_machines, launch_acceptance, terminate_machines
)
