"""The builder stopped, so that its image is of a file system at rest.

Needs   the sealed builder
Gives   Instance, stopped
Costs   its disks
"""

from notebake.aws import instances
from notebake.aws.model import Image, Instance
from notebake.errors import ResourceLostError, resume
from notebake.images.baked import usable_image
from notebake.resources import own_machines
from notebake.runbook.step import Step
from notebake.runs.run import Run


def find(run: Run) -> Instance | Image | None:
    """Return the stopped builder, or the image that was made of it."""
    instance = own_machines.find_builder(run)
    if instance and instance.state == "stopped":
        return instance
    return usable_image(run)


def make(run: Run) -> Instance:
    """Stop it and wait until it is."""
    instance = own_machines.find_builder(run)
    if instance is None:
        raise ResourceLostError(f"The builder of run {run.id} is gone.").with_next(resume(run.id))
    instances.stop_instance(instance.id, run.recipe.region)
    return instances.wait_for_state(instance.id, run.recipe.region, "stopped")


STEP = Step("stop_builder", "Stop the builder", find, make)
