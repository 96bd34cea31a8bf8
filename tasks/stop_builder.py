"""Stops the builder, so that the image has consistent file systems.

Needs   the sealed builder
Gives   Instance, stopped
Costs   its disks
"""

from notebake.aws import instances
from notebake.aws.model import Image, Instance
from notebake.images.image_state import usable_image
from notebake.machines.builder import require_builder
from notebake.resources import stack_instances
from notebake.runbook.step import Step
from notebake.runs.run import Run


def find(run: Run) -> Instance | Image | None:
    """Return the stopped builder, or its image."""
    instance = stack_instances.find_builder(run)
    if instance and instance.state == "stopped":
        return instance
    return usable_image(run)


def make(run: Run) -> Instance:
    """Stop the builder and wait until it is stopped."""
    instance = require_builder(run)
    instances.stop_instance(instance.id, run.recipe.region)
    return instances.wait_for_state(instance.id, run.recipe.region, "stopped")


STEP = Step("stop_builder", "Stop the builder", find, make)
