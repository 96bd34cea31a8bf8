"""Tags the image as accepted and shares it; only a proven image is published.

If sharing has to be approved (`approve: [share]`), the flow does that after the tear-down:
notebake/images/share_accepted.py.

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
from notebake.errors import ImageNotAcceptedError
from notebake.images.image_state import current_image
from notebake.images.recipients import show_to_recipients
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
    wanted = set(accounts_to_share_at_once(run))
    is_shared = not wanted or wanted <= shared_with(image.id, run.recipe.region)
    return image if is_shared else None


def make(run: Run) -> Image:
    """Share the image, then tag it and its snapshots as accepted."""
    image = current_image(run)
    if image is None or find_proof(run, image) is None:
        raise ImageNotAcceptedError(f"There is no proof of the image of run {run.id}.")
    region, accounts = run.recipe.region, accounts_to_share_at_once(run)
    if accounts:
        share_image(image, accounts, region)
        log.info("Shared %s with %s", image.id, ", ".join(accounts))
    now = tags.as_tag(utc_from_seconds(clock.now()))
    anchor = run_record(run).chain.anchor()
    if anchor and accounts:
        show_to_recipients(run, image.id, str(anchor))
    anchored = {tags.RECORD: str(anchor)} if anchor else {}
    tag_resource(run, image.id, {tags.ACCEPTED: now, **anchored}, *image.snapshot_ids)
    tagging.remove_tags(region, [image.id, *image.snapshot_ids], [tags.EXPIRES])
    return image.model_copy(update={"tags": {**image.tags, tags.ACCEPTED: now}})


def accounts_to_share_at_once(run: Run) -> tuple[str, ...]:
    """Return the accounts that get the image without anybody being asked."""
    return () if "share" in run.recipe.approve else run.recipe.share_with


STEP = Step("publish_image", "Accept the image", find, make)
