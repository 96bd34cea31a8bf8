"""Shares the accepted image of a run with the accounts of its recipe, once that was approved."""

import logging

from notebake.aws import tags
from notebake.aws.launch_permissions import share_image, shared_with
from notebake.aws.model import Image
from notebake.errors import ImageNotAcceptedError
from notebake.images.image_state import accepted_image
from notebake.images.recipients import show_to_recipients
from notebake.runs.run import Run

log = logging.getLogger(__name__)


def find_shared(run: Run) -> Image | None:
    """Return the accepted image if it is shared with the recipe's accounts."""
    image = accepted_image(run)
    if image is None:
        return None
    shared = shared_with(image.id, run.recipe.region)
    return image if set(run.recipe.share_with) <= shared else None


def share_accepted(run: Run) -> Image:
    """Share the image, and let its recipients see the anchor that it was accepted with."""
    image, accounts = accepted_image(run), run.recipe.share_with
    if image is None:
        raise ImageNotAcceptedError(f"Run {run.id} has no accepted image that could be shared.")
    share_image(image, accounts, run.recipe.region)
    log.info("Shared %s with %s", image.id, ", ".join(accounts))
    if anchor := image.tags.get(tags.RECORD):
        show_to_recipients(run, image.id, anchor)
    return image
