"""Which image of a recipe is current: read, moved, moved back and held."""

from notebake.aws.model import Image
from notebake.errors import NextCommand, NotebakeError
from notebake.images.pointer_mover import PointerMover
from notebake.images.pointer_record import (
    NotPromotableError,
    PointedImage,
    Pointer,
    PointerHeldError,
    PointerMovedError,
    StoredPointer,
)
from notebake.ledger.kinds import RELEASED
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from notebake.store.interface import RunStore

__all__ = [
    "NotPromotableError",
    "PointedImage",
    "Pointer",
    "PointerHeldError",
    "PointerMovedError",
    "move_pointer",
    "read_pointer",
    "release",
    "roll_back",
]


def read_pointer(recipe_name: str, region: str, store: RunStore) -> Pointer | None:
    """Return the pointer of a recipe in a region; None if none was ever moved.

    Raises:
        RunStoreError: the store failed.
    """
    stored = StoredPointer(recipe_name, region, store)
    return stored.pointer if stored.is_stored else None


def move_pointer(run: Run, image: Image, *, releases_hold: bool = False) -> Pointer:
    """Make the accepted image of a run the current one of its recipe. May be repeated.

    Raises:
        NotPromotableError: the image is not accepted, not available, revoked, or of another recipe.
        PointerHeldError: the pointer is held, or is held from now on as AWS did not take the image.
        PointerMovedError: somebody else moved it meanwhile.
        CloudError: AWS refused; the pointer was not moved.
    """
    mover = PointerMover(run.recipe_name, run.region, open_store(run.store))
    with mover.recording():
        mover.settle()
        wanted = mover.image(image.id, run.id)
        mover.check(wanted)
        if mover.pointer.is_held and not releases_hold:
            raise _held_error(mover.pointer, image.id)
        if mover.pointer.image_id != image.id:
            mover.begin(wanted)
        elif mover.pointer.is_held:
            _release(mover)
    return mover.pointer


def roll_back(recipe_name: str, region: str, store: RunStore, *, reason: str) -> Pointer:
    """Make the image before the current one current again, and hold the pointer.

    An image that may not become current any more is left out. A rollback that was killed is
    finished, and no second step is taken.

    Raises:
        NotPromotableError: no image from before may become current.
        PointerHeldError: AWS did not take the image from before.
        PointerMovedError: somebody else moved it meanwhile.
        CloudError: AWS refused; the pointer was not moved.
    """
    mover = PointerMover(recipe_name, region, store)
    with mover.recording():
        was = mover.pointer.moving
        mover.settle()
        if was and was.is_rollback and mover.pointer.image_id == was.to.image_id:
            return mover.pointer
        wrong = []
        for earlier in reversed(mover.pointer.previous):
            to = mover.image(earlier.image_id, earlier.run_id)
            try:
                mover.check(to)
            except NotPromotableError as error:
                wrong.append(error.message)
                continue
            mover.begin(to, is_rollback=True, reason=reason)
            return mover.pointer
    raise NotPromotableError(
        " ".join(
            [f"There is no earlier image of {recipe_name} in {region} to go back to.", *wrong]
        ),
        f"The current image is {mover.pointer.image_id or 'none'}; it was not changed.",
    ).with_next(NextCommand(("images", "--region", region), "To see all images"))


def release(recipe_name: str, region: str, store: RunStore) -> Pointer:
    """Let promoters move the pointer again.

    Raises:
        NotebakeError: there is no such pointer.
        PointerMovedError: somebody else changed it meanwhile.
    """
    mover = PointerMover(recipe_name, region, store)
    if not mover.stored.is_stored:
        raise NotebakeError(f"No image of {recipe_name} in {region} was ever promoted.")
    if mover.pointer.is_held:
        _release(mover)
    return mover.pointer


def _release(mover: PointerMover) -> None:
    mover.note(RELEASED, reason=mover.pointer.reason)
    mover.stored.write(is_held=False, reason="")


def _held_error(pointer: Pointer, image_id: str) -> PointerHeldError:
    return PointerHeldError(
        f"The pointer of {pointer.recipe} in {pointer.region} is held:"
        f" {pointer.reason or 'no reason was given'}. The current image stays"
        f" {pointer.image_id or 'none'}, and {image_id} does not become current.",
        "Only a person releases it, by promoting an image.",
    ).with_next(NextCommand(("promote", image_id), "To make it current all the same"))
