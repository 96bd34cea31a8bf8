"""Going back: a step, and all that follow it, as if they had not been done."""

import logging

from flows.steps import BUILD
from notebake import host as ssh
from notebake.aws import images, instances, tags
from notebake.builder import baked_image, builder_host
from notebake.commands import markers
from notebake.errors import NotebakeError
from notebake.records import Run

log = logging.getLogger(__name__)


def rewind(run: Run, from_step: str) -> None:
    """Undo what can be undone of a step and its followers, and take their markers away.

    Raises:
        NotebakeError: there is no such step, or the image is accepted already.
    """
    order = [step for group in BUILD for step in group]
    names = [step.name for step in order]
    if from_step not in names:
        raise NotebakeError(f"There is no step {from_step}.", f"Steps: {', '.join(names)}")
    image = baked_image(run)
    if image and tags.ACCEPTED in image.tags:
        raise NotebakeError(f"{image.id} is accepted already.", "Build anew: notebake build RECIPE")
    again = order[names.index(from_step) :]
    for step in reversed(again):
        if step.undo:
            step.undo(run)
    unseal(run)
    instance = instances.find_builder(run)
    if instance and instance.state == "running":
        host = builder_host(run)
        for step in again:
            ssh.run_command(host, markers.unmark(step.name))


def unseal(run: Run) -> None:
    """Take the seal off the builder: it is worked on again."""
    instance = instances.find_builder(run)
    if instance and tags.SEALED in instance.tags:
        images.add_tags(run.recipe.region, [instance.id], {tags.SEALED: ""})
