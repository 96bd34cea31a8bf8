"""An image, found by its id, and the run that made it."""

from typing import NamedTuple

from notebake.aws import tags
from notebake.aws.image_parameter import describe_images
from notebake.aws.kinds import IMAGE
from notebake.aws.model import Image
from notebake.errors import NextCommand
from notebake.images.pointer_record import NotPromotableError
from notebake.runs.registry import load_run
from notebake.runs.run import Run
from notebake.store.interface import RunStore


class MadeImage(NamedTuple):
    """An image and its run."""

    run: Run
    image: Image


def find_made_image(image_id: str, region: str, store: RunStore) -> MadeImage:
    """Return an image of a run that the store has.

    Raises:
        NotPromotableError: EC2 shows no such image, or no run has made it.
        RunStoreError: the store does not have the run.
    """
    found = describe_images(region, IMAGE.id_filter, image_id)
    run_id = found[0].tags.get(tags.RUN, "") if found else ""
    if not run_id:
        what = "was not made by notebake" if found else "is no image of this account"
        raise NotPromotableError(f"{image_id} {what} in {region}.").with_next(
            NextCommand(("images", "--region", region), "To see all images")
        )
    return MadeImage(load_run(run_id, store), found[0])
