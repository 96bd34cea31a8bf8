"""The image, available, with every disk of it set to go with its machine.

Needs   the requested image
Gives   Image, available
Costs   nothing of its own
"""

from notebake.aws import images
from notebake.aws.model import Image
from notebake.aws.readings import LOOK_SECONDS
from notebake.errors import CloudError, ResourceLostError, WaitTimeoutError, resume
from notebake.images import own_image
from notebake.images.baked import current_image, shown_image
from notebake.runbook.step import Step
from notebake.runs.run import Run
from notebake.timeouts import IMAGE_SECONDS, IMAGE_SECONDS_PER_GIB
from notebake.waiting import wait_until


def find(run: Run) -> Image | None:
    """Return the image if it can be launched."""
    image = current_image(run)
    return image if image and image.state == "available" else None


def make(run: Run) -> Image:
    """Wait for as long as disks of this size may take.

    Raises:
        ResourceLostError: EC2 gave the image up.
        CloudError: a disk of it would outlive its machines.
        WaitTimeoutError: it did not come; it is recorded, and a resume waits on.
    """
    shown_image(run)
    size_gib = run.recipe.root_volume.size_gib + sum(
        volume.size_gib for volume in run.recipe.volumes if volume.is_in_image
    )
    try:
        image = wait_until(
            lambda: is_ready(run),
            what=f"the image of run {run.id}",
            timeout_seconds=IMAGE_SECONDS + IMAGE_SECONDS_PER_GIB * size_gib,
            interval_seconds=LOOK_SECONDS,
            progress=lambda: own_image.snapshot_progress(run),
        )
    except WaitTimeoutError as error:
        raise WaitTimeoutError(error.message).with_next(
            resume(run.id, purpose="To go on waiting")
        ) from error
    if left := own_image.disks_that_stay(run):
        raise CloudError(f"Disks of {image.id} would outlive its machines: {', '.join(left)}.")
    return image


def is_ready(run: Run) -> Image | None:
    """Return the image once it is available."""
    image = current_image(run)
    if image and image.state in images.BROKEN_STATES:
        raise ResourceLostError(
            f"EC2 gave {image.id} up: it is {image.state}.",
        ).with_next(resume(run.id, purpose="To ask for another image"))
    return image if image and image.state == "available" else None


STEP = Step("wait_for_image", "Wait for the image", find, make)
