"""Whether a builder is ready for its image, and whether the image is the one wanted now."""

from notebake.aws import images, tags
from notebake.aws.model import Image, Instance
from notebake.images import own_image
from notebake.runbook.digests import step_digest
from notebake.runs.run import Run
from notebake.timeouts import CONSISTENCY_SECONDS
from notebake.waiting import wait_until


def is_sealed(run: Run, instance: Instance) -> bool:
    """Tell whether the builder has been cleaned and shut off, ready for its image."""
    return instance.tags.get(tags.SEALED) == step_digest(run.recipe, "clean_host")


def is_finished(run: Run, instance: Instance) -> bool:
    """Tell whether no work on the builder is left: it is sealed, or its image has been asked for.

    One that was started again after that is not sealed any more, but its image is of before.
    """
    if is_sealed(run, instance):
        return True
    if not instance.tags.get(tags.BAKED):
        return False
    image = usable_image(run)
    return image is not None and image.id == instance.tags[tags.BAKED]


def accepted_image(run: Run) -> Image | None:
    """Return the run's image where it has been accepted: then nothing is left to be done for it."""
    image = current_image(run)
    return image if image and tags.ACCEPTED in image.tags else None


def shown_image(run: Run) -> Image:
    """Return the image that has been asked for; EC2 may show what it has just named only later.

    Raises:
        WaitTimeoutError: EC2 does not show it.
    """
    return wait_until(
        lambda: current_image(run),
        what=f"EC2 to show the image of run {run.id}",
        timeout_seconds=CONSISTENCY_SECONDS,
    )


def usable_image(run: Run) -> Image | None:
    """Return the run's image, unless it is broken or of an older recipe."""
    image = current_image(run)
    return image if image and image.state not in images.BROKEN_STATES else None


def current_image(run: Run) -> Image | None:
    """Return the run's image where it was made of a machine as the recipe asks for it now."""
    image = own_image.find_image(run)
    wanted = step_digest(run.recipe, "clean_host")
    return image if image and image.tags.get(tags.SEALED) == wanted else None
