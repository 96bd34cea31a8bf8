"""Tags the image as accepted and shares it; only a proven image is published.

Needs   the proof
Gives   Image, tagged notebake:accepted with the time, and notebake:record with the record's anchor
Costs   snapshot storage for as long as it is kept
"""

import logging

from notebake import clock
from notebake.acceptance.proof import find_proof
from notebake.aws import tagging, tags
from notebake.aws.launch_permissions import share_image, shared_with
from notebake.aws.model import Image
from notebake.errors import CloudError, ImageNotAcceptedError, WrongAccountError
from notebake.images.image_state import current_image
from notebake.runbook.step import Step
from notebake.runs.run import Run
from notebake.runs.run_record import run_record
from notebake.runs.tag_repair import tag_resource
from notebake.timestamps import utc_from_seconds

log = logging.getLogger(__name__)


def find(run: Run) -> Image | None:
    """Return the image if it is tagged as accepted, and shared as the recipe says."""
    image = current_image(run)
    if image is None or tags.ACCEPTED not in image.tags or tags.EXPIRES in image.tags:
        return None
    wanted = set(run.recipe.share_with)
    is_shared = not wanted or wanted <= shared_with(image.id, run.recipe.region)
    return image if is_shared else None


def make(run: Run) -> Image:
    """Share the image, then tag it and its snapshots as accepted."""
    image = current_image(run)
    if image is None or find_proof(run, image) is None:
        raise ImageNotAcceptedError(f"There is no proof of the image of run {run.id}.")
    region = run.recipe.region
    if run.recipe.share_with:
        share_image(image, run.recipe.share_with, region)
        log.info("Shared %s with %s", image.id, ", ".join(run.recipe.share_with))
    now = tags.as_tag(utc_from_seconds(clock.now()))
    anchor = run_record(run).chain.anchor()
    if anchor and run.recipe.share_with:
        show_to_recipients(run, image.id, str(anchor))
    anchored = {tags.RECORD: str(anchor)} if anchor else {}
    tag_resource(run, image.id, {tags.ACCEPTED: now, **anchored}, *image.snapshot_ids)
    tagging.remove_tags(region, [image.id, *image.snapshot_ids], [tags.EXPIRES])
    return image.model_copy(update={"tags": {**image.tags, tags.ACCEPTED: now}})


def show_to_recipients(run: Run, image_id: str, anchor: str) -> None:
    """Let those with whom the image is shared see the anchor, where EC2 can do that."""
    try:
        tagging.add_tags_once(run.recipe.region, [image_id], {tags.SHARED_RECORD: anchor})
    except WrongAccountError:
        raise
    except CloudError as error:
        log.warning("Recipients of %s do not see the anchor of its record: %s", image_id, error)


STEP = Step("publish_image", "Accept the image", find, make)
