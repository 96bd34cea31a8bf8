"""Whether a builder is ready for its image, and whether the image fits the current recipe."""

from notebake.aws import images, tags
from notebake.aws.model import Image, Instance
from notebake.images import run_image
from notebake.runbook.plan import step_digest
from notebake.runs.run import Run
from notebake.timeouts import CONSISTENCY_SECONDS
from notebake.waiting import wait_until


def is_sealed(run: Run, instance: Instance) -> bool:
    """Return whether the builder was cleaned and its login removed, for the current recipe."""
    return instance.tags.get(tags.SEALED) == step_digest(run.recipe, "clean_host")


def is_finished(run: Run, instance: Instance) -> bool:
    """Return whether the builder needs no more work: it is sealed, or its image was requested.

    A builder that was restarted after the request is no longer sealed, but its image is older.
    """
    if is_sealed(run, instance):
        return True
    if not instance.tags.get(tags.BAKED):
        return False
    image = usable_image(run)
    return image is not None and image.id == instance.tags[tags.BAKED]


def accepted_image(run: Run) -> Image | None:
    """Return the run's image if it is accepted: then the run is finished."""
    image = current_image(run)
    return image if image and tags.ACCEPTED in image.tags else None


def wait_for_visible_image(run: Run) -> Image:
    """Return the requested image, which EC2 may show some time after the request.

    Raises:
        WaitTimeoutError: EC2 does not show it.
    """
    return wait_until(
        lambda: current_image(run),
        what=f"EC2 to show the image of run {run.id}",
        timeout_seconds=CONSISTENCY_SECONDS,
    )


def usable_image(run: Run) -> Image | None:
    """Return the run's current image, unless it is in a failed state."""
    image = current_image(run)
    return image if image and image.state not in images.BROKEN_STATES else None


def current_image(run: Run) -> Image | None:
    """Return the run's image if it was made for the current recipe."""
    image = run_image.find_image(run)
    wanted = step_digest(run.recipe, "clean_host")
    return image if image and image.tags.get(tags.SEALED) == wanted else None
