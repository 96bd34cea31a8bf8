"""The image, asked for: EC2 names it at once and fills it later.

Needs   the stopped, sealed builder
Gives   Image with its snapshots, tagged with its lineage in the same call
Costs   snapshot storage, for as long as the image is kept
"""

import logging
from typing import Any

from notebake.aws import images, tags
from notebake.aws.model import Image
from notebake.errors import CloudError, ResourceLostError, resume
from notebake.images import own_image
from notebake.images.baked import is_sealed, usable_image
from notebake.machines.block_devices import device_names
from notebake.names import name_of_image
from notebake.record import digest_of
from notebake.resources import own_machines
from notebake.runbook.digests import step_digest
from notebake.runbook.step import Step
from notebake.runs.attempts import close_as_removed, find_even_if_late, record_attempt
from notebake.runs.run import Run

log = logging.getLogger(__name__)
NAME = "request_image"


def make(run: Run) -> Image:
    """Ask for the image; one of this run that is broken or outdated goes first.

    Raises:
        ResourceLostError: there is no builder that is sealed and stopped any more.
    """
    if found := usable_image(run):
        return found
    if outdated := own_image.find_image(run):
        check_not_accepted(outdated)
        log.info("Removing %s: it is %s, or not of this recipe", outdated.id, outdated.state)
        images.remove_image(outdated, run.recipe.region)
    own_image.remove_orphan_snapshots(run)
    builder = own_machines.find_builder(run)
    if builder is None or builder.state != "stopped" or not is_sealed(run, builder):
        raise ResourceLostError(f"No builder of run {run.id} is sealed and stopped.").with_next(
            resume(run.id)
        )
    lineage = {
        tags.BUILDER: builder.id,
        tags.SEALED: step_digest(run.recipe, "clean_host"),
        "notebake:base-image": builder.image_id,
        "notebake:recipe-digest": digest_of(run.recipe),
    }
    image = record_attempt(
        run,
        "image",
        {"name": name_of_image(run.id), "of": builder.id},
        lambda before_each: own_image.request_image(
            run, builder.id, disks_of_image(run), lineage, before_each
        ),
        marks=tags.tags_for(run, "image", **lineage),
        ids=lambda made: (made.id, *made.snapshot_ids),
    )
    log.info("%s is on its way", image.id)
    return image


def disks_of_image(run: Run) -> list[dict[str, Any]]:
    """Return what differs from the builder's mapping.

    Volumes that the recipe wants out are left out. One that was attached after the launch is kept
    on termination by default, and every user of the image would inherit that leak.
    """
    devices = device_names(run.recipe)
    changes: list[dict[str, Any]] = []
    for volume in run.recipe.volumes:
        device = devices[volume.name]
        if not volume.is_in_image:
            changes.append({"DeviceName": device, "NoDevice": ""})
        elif volume.volume_id:
            changes.append({"DeviceName": device, "Ebs": {"DeleteOnTermination": True}})
    return changes


def check_not_accepted(image: Image) -> None:
    """Raise CloudError for an image that people may use already."""
    if tags.ACCEPTED in image.tags:
        raise CloudError(f"{image.id} is accepted: it is not replaced. Build with a new run.")


def undo(run: Run) -> None:
    """Remove the run's image and snapshots, unless it has been accepted."""
    image = find_even_if_late(run, "image", lambda: own_image.find_image(run))
    if image and tags.ACCEPTED in image.tags:
        log.info("Keeping %s: it is accepted", image.id)
    elif image:
        log.info("Removing %s: it was not accepted", image.id)
        images.remove_image(image, run.recipe.region)
    own_image.remove_orphan_snapshots(run)
    if image is None or tags.ACCEPTED not in image.tags:
        close_as_removed(run, "image")


STEP = Step(NAME, "Ask for the image", usable_image, make, undo)
