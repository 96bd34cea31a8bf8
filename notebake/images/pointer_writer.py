"""What everybody does who writes a pointer: read it, log, check images, repair what follows it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from notebake import clock
from notebake.aws import tags
from notebake.aws.image_parameter import describe_images, mark_current, name_image
from notebake.errors import CloudError, WaitTimeoutError, WrongAccountError
from notebake.images.pointer_record import PointedImage, Pointer, StoredPointer
from notebake.images.promotable import check_promotable
from notebake.ledger.chain import Chain
from notebake.ledger.recording import recording
from notebake.runs.execution_record import new_writer
from notebake.runs.reserved_ids import POINTER_LOG
from notebake.runs.run_record import record_place
from notebake.store.interface import RunStore
from notebake.timestamps import utc_from_seconds

log = logging.getLogger(__name__)


def open_log(store: RunStore) -> Chain:
    """Return the log of pointers and revocations, to be written by this user."""
    return Chain(record_place(store.location), POINTER_LOG, new_writer(store.location))


class PointerWriter:
    """Writes the pointer of a recipe in a region."""

    def __init__(self, recipe: str, region: str, store: RunStore) -> None:
        self.recipe, self.region, self.store = recipe, region, store
        self.stored = StoredPointer(recipe, region, store)
        self.log = open_log(store)

    @property
    def pointer(self) -> Pointer:
        return self.stored.pointer

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Let the calls of the block to AWS be entries of the log."""
        with recording(self.log):
            yield

    def note(self, kind: str, **body: object) -> None:
        """Add an entry about this pointer to the log."""
        self.log.append(kind, {"recipe": self.recipe, "region": self.region, **body})

    def image(self, image_id: str, run_id: str) -> PointedImage:
        """Return an image as one to which this mover moves the pointer now."""
        return PointedImage(
            image_id=image_id,
            run_id=run_id,
            since=utc_from_seconds(clock.now()),
            by=self.log.writer.who,
        )

    def check(self, image: PointedImage) -> None:
        """Raise NotPromotableError if an image may not become current."""
        check_promotable(
            image.image_id,
            image.run_id,
            recipe=self.recipe,
            region=self.region,
            store=self.store,
        )

    def repair(self) -> None:
        """Let the parameter and the tags say what the pointer says, as far as AWS lets us."""
        moving = self.pointer.moving
        wanted = moving.to if moving else self.pointer.current
        if wanted is None:
            return
        try:
            found = describe_images(self.region, f"tag:{tags.RECIPE}", self.recipe)
            if any(each.id == wanted.image_id and each.state == "available" for each in found):
                name_image(self.recipe, wanted.image_id, self.region)
            mark_current(found, self.pointer.image_id, self.region)
        except WrongAccountError:
            raise
        except (CloudError, WaitTimeoutError) as error:
            log.warning("What follows the pointer of %s is not repaired: %s", self.recipe, error)

    def mark_current(self) -> None:
        """Let the tags say what the pointer says, as far as AWS lets us."""
        try:
            found = describe_images(self.region, f"tag:{tags.RECIPE}", self.recipe)
            mark_current(found, self.pointer.image_id, self.region)
        except WrongAccountError:
            raise
        except CloudError as error:
            log.warning("The tags of images of %s do not follow: %s", self.recipe, error)
