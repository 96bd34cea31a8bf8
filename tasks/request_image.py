"""Requests the image: EC2 returns its id at once and creates it in the background.

Needs   the stopped, sealed builder
Gives   Image with its snapshots, tagged with its lineage by the same call
Costs   snapshot storage, for as long as the image is kept
"""

import logging
from typing import Any

from notebake.aws import images, tags
from notebake.aws.model import Image
from notebake.aws.names import name_of_image
from notebake.aws.volumes import device_names
from notebake.errors import CloudError, ResourceLostError, resume
from notebake.images import early_snapshots, run_image
from notebake.images.image_state import is_sealed, usable_image
from notebake.record import digest_of
from notebake.resources import stack_instances
from notebake.runbook.plan import step_digest
from notebake.runbook.step import Step
from notebake.runs.attempts import close_as_removed, find_even_if_late, record_attempt
from notebake.runs.run import Run

log = logging.getLogger(__name__)
NAME = "request_image"


def make(run: Run) -> Image:
    """Request the image; remove a failed or outdated image of the run first.

    Raises:
        ResourceLostError: the run has no sealed and stopped builder any more.
    """
    if found := usable_image(run):
        return found
    if outdated := run_image.find_image(run):
        check_not_accepted(outdated)
        log.info("Removing %s: it is %s, or of another recipe", outdated.id, outdated.state)
        images.remove_image(outdated, run.recipe.region)
    run_image.remove_orphan_snapshots(run)
    builder = stack_instances.find_builder(run)
    if builder is None or builder.state != "stopped" or not is_sealed(run, builder):
        raise ResourceLostError(f"No builder of run {run.id} is sealed and stopped.").with_next(
            resume(run.id)
        )
    early_snapshots.wait_until_copied(run, builder)
    lineage = {
        tags.BUILDER: builder.id,
        tags.SEALED: step_digest(run.recipe, "clean_host"),
        tags.BASE_IMAGE: builder.image_id,
        "notebake:recipe-digest": digest_of(run.recipe),
    }
    if run.recipe.efs:
        lineage[tags.EFS] = " ".join(each.mount_point for each in run.recipe.efs)
    image = record_attempt(
        run,
        "image",
        {"name": name_of_image(run.id), "of": builder.id},
        lambda: run_image.request_image(run, builder.id, disks_of_image(run), lineage),
        marks=tags.tags_for(run, "image", **lineage),
        ids=lambda made: (made.id, *made.snapshot_ids),
    )
    log.info("Requested %s", image.id)
    return image


def disks_of_image(run: Run) -> list[dict[str, Any]]:
    """Return the differences from the builder's block device mapping.

    Volumes that the recipe excludes are left out. EC2 keeps a volume that was attached after the
    launch when its machine is terminated; without a change, so would every machine from the image.
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
    """Raise CloudError for an accepted image, which may be in use."""
    if tags.ACCEPTED in image.tags:
        raise CloudError(f"{image.id} is accepted and is not replaced. Build with a new run.")


def undo(run: Run) -> None:
    """Remove the run's image and snapshots, unless the image is accepted."""
    image = find_even_if_late(run, "image", lambda: run_image.find_image(run))
    if image and tags.ACCEPTED in image.tags:
        log.info("Keeping %s: it is accepted", image.id)
    elif image:
        log.info("Removing %s: it was not accepted", image.id)
        images.remove_image(image, run.recipe.region)
    run_image.remove_orphan_snapshots(run)
    if image is None or tags.ACCEPTED not in image.tags:
        close_as_removed(run, "image")


STEP = Step(NAME, "Ask for the image", usable_image, make, undo)
