"""Launches two machines from the new image, as any user would.

Needs   the available image
Gives   Machines of the acceptance types, with a second key pair and without a host key from us
Costs   two instances for some minutes
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from functools import partial

from notebake.acceptance.evidence import Machines
from notebake.acceptance.machines import (
    NUMBERS,
    ROLE,
    find_machines,
    is_wanted,
    missing_numbers,
)
from notebake.aws import instances, tags
from notebake.aws.model import Image, Instance
from notebake.aws.names import name_of_key_pair
from notebake.commands.user_data import user_data
from notebake.errors import ResourceLostError, resume
from notebake.images.image_state import current_image
from notebake.machines.launch import launch
from notebake.machines.launch_request import remove_machines
from notebake.machines.ssh_access import ensure_key_pair, remove_key_pair
from notebake.resources import stack_instances
from notebake.runbook.plan import step_digest
from notebake.runbook.step import Step
from notebake.runs.run import Run

log = logging.getLogger(__name__)
NAME = "launch_acceptance"


def find(run: Run) -> Image | Machines | None:
    """Return the machines, or the image if it is accepted already."""
    image = current_image(run)
    if image and tags.ACCEPTED in image.tags:
        return image
    current = find_machines(run, image) if image else []
    return None if missing_numbers(current) else Machines(instances=tuple(current))


def make(run: Run) -> Machines:
    """Launch the missing machines side by side; terminate lost ones and those of an older image.

    If one fails, its error is raised when the others have ended.
    """
    image = current_image(run)
    if image is None:
        raise ResourceLostError(f"The image of run {run.id} is gone.").with_next(resume(run.id))
    found = stack_instances.find_instances(run, ROLE)
    outdated = [machine.id for machine in found if not is_wanted(machine, image)]
    if outdated:
        log.info("Terminating %s: lost, or not of %s", ", ".join(outdated), image.id)
        instances.terminate_instances(outdated, run.recipe.region)
    ensure_key_pair(run, ROLE)
    missing = missing_numbers([machine for machine in found if is_wanted(machine, image)])
    if missing:
        contexts = [copy_context() for _ in missing]
        with ThreadPoolExecutor(len(missing)) as pool:
            list(pool.map(partial(launch_in, run, image), contexts, missing))
    return Machines(instances=tuple(find_machines(run, image)))


def launch_in(run: Run, image: Image, context: Context, number: int) -> Instance:
    """Launch the machine with this number, in a copy of the step's context."""
    return context.run(
        launch,
        run,
        role=ROLE,
        number=number,
        instance_types=run.recipe.acceptance.instance_types or run.recipe.instance_types,
        image_id=image.id,
        key_name=name_of_key_pair(run.id, ROLE),
        user_data=user_data(lease_hours=run.recipe.lease_hours),
        disks=[],
        marks={tags.LAUNCH: step_digest(run.recipe, NAME)},
    )


def undo(run: Run) -> None:
    """Terminate the machines and delete their key pair."""
    remove_machines(run, ROLE, len(NUMBERS))
    remove_key_pair(run, ROLE)


STEP = Step(NAME, "Start two machines from the image", find, make, undo)
