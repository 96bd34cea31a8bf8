"""Waits until the image is available, and checks that its disks are deleted with their machines.

Needs   the requested image
Gives   Image, available
Costs   nothing of its own
"""

from notebake.aws import images
from notebake.aws.model import Image
from notebake.aws.shared_describe import POLL_SECONDS
from notebake.errors import CloudError, ResourceLostError, WaitTimeoutError, resume
from notebake.images import run_image
from notebake.images.image_state import current_image, wait_for_visible_image
from notebake.runbook.step import Step
from notebake.runs.run import Run
from notebake.timeouts import IMAGE_SECONDS, IMAGE_SECONDS_PER_GIB
from notebake.waiting import wait_until


def find(run: Run) -> Image | None:
    """Return the image if it is available."""
    image = current_image(run)
    return image if image and image.state == "available" else None


def make(run: Run) -> Image:
    """Wait for the image, with a timeout that depends on the size of the disks.

    Raises:
        ResourceLostError: EC2 failed to create the image.
        CloudError: EC2 would keep a disk of it after the termination of its machine.
        WaitTimeoutError: it did not become available; a resumed run continues to wait.
    """
    wait_for_visible_image(run)
    size_gib = run.recipe.root_volume.size_gib + sum(
        volume.size_gib for volume in run.recipe.volumes if volume.is_in_image
    )
    try:
        image = wait_until(
            lambda: is_ready(run),
            what=f"the image of run {run.id}",
            timeout_seconds=IMAGE_SECONDS + IMAGE_SECONDS_PER_GIB * size_gib,
            interval_seconds=POLL_SECONDS,
            progress=lambda: run_image.snapshot_progress(run),
        )
    except WaitTimeoutError as error:
        raise WaitTimeoutError(error.message).with_next(
            resume(run.id, purpose="To continue waiting")
        ) from error
    if left := run_image.disks_kept_on_termination(run):
        raise CloudError(
            f"EC2 would keep these disks of {image.id} after the termination of their machines:"
            f" {', '.join(left)}."
        )
    return image


def is_ready(run: Run) -> Image | None:
    """Return the image as soon as it is available."""
    image = current_image(run)
    if image and image.state in images.BROKEN_STATES:
        raise ResourceLostError(
            f"EC2 failed to create {image.id}: it is {image.state}.",
        ).with_next(resume(run.id, purpose="To request another image"))
    return image if image and image.state == "available" else None


STEP = Step("wait_for_image", "Wait for the image", find, make)
