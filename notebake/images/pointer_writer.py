"""What everybody does who writes a pointer: read it, log, check images, repair what follows it."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from notebake import clock
from notebake.aws import tags
from notebake.aws.image_parameter import describe_images, mark_current, put_image, read_named
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
REPAIRS = 3
"""How often a repair begins again because somebody has moved the pointer meanwhile."""


def open_log(store: RunStore) -> Chain:
    """Return the log of pointers and revocations, to be written by this user."""
    return Chain(record_place(store.location), POINTER_LOG, new_writer(store.location))


class PointerWriter:
    """Writes the pointer of a recipe in a region."""

    def __init__(self, recipe: str, region: str, store: RunStore) -> None:
        self.recipe, self.region, self.store = recipe, region, store
        self.stored = StoredPointer(recipe, region, store)
        self.log = open_log(store)
        self._may_be_late = False
        """Whether the parameter may yet show what this writer has put into it."""

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

    def name(self, image_id: str, check: Callable[[], object] = lambda: None) -> None:
        """Let the parameter name an image; for `check` and errors see `put_image`."""
        if not self._may_be_late and read_named(self.recipe, self.region).image_id == image_id:
            return
        self._may_be_late = True
        put_image(self.recipe, image_id, self.region, check)
        self._may_be_late = False

    def repair(self) -> None:
        """Let the parameter and the tags say what the pointer says, as far as AWS lets us."""
        for _ in range(REPAIRS):
            wanted = self._wanted()
            if any(wanted):
                self._follow(*wanted)
            self.stored.read()
            if self._wanted() == wanted:
                return

    def _wanted(self) -> tuple[str, str]:
        """Return the image that the parameter should name, and the one that is current."""
        moving = self.pointer.moving
        return (moving.to.image_id if moving else self.pointer.image_id), self.pointer.image_id

    def _follow(self, named: str, current: str) -> None:
        try:
            found = describe_images(self.region, f"tag:{tags.RECIPE}", self.recipe)
            if any(each.id == named and each.state == "available" for each in found):
                self.name(named)
            mark_current(found, current, self.region)
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
