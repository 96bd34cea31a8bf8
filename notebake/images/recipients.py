"""What those see with whom an image is shared."""

import logging

from notebake.aws import tagging, tags
from notebake.errors import CloudError, WrongAccountError
from notebake.runs.run import Run

log = logging.getLogger(__name__)


def show_to_recipients(run: Run, image_id: str, anchor: str) -> None:
    """Let those with whom the image is shared see the anchor, where EC2 can do that."""
    try:
        tagging.add_tags_once(run.recipe.region, [image_id], {tags.SHARED_RECORD: anchor})
    except WrongAccountError:
        raise
    except CloudError as error:
        log.warning("Recipients of %s do not see the anchor of its record: %s", image_id, error)
