"""Which image of a recipe is current: read, moved, moved back and held."""

from notebake.aws.model import Image
from notebake.images.pointer_record import (
    NotPromotableError,
    PointedImage,
    Pointer,
    PointerHeldError,
    PointerMovedError,
)
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
    raise NotImplementedError


def move_pointer(run: Run, image: Image, *, releases_hold: bool = False) -> Pointer:
    """Make the accepted image of a run the current one of its recipe. May be repeated.

    Raises:
        NotPromotableError: the image is not accepted, not available, revoked, or of another recipe.
        PointerHeldError: the pointer is held, or is held from now on as AWS did not take the image.
        PointerMovedError: somebody else moved it meanwhile.
    """
    raise NotImplementedError


def roll_back(recipe_name: str, region: str, store: RunStore, *, reason: str) -> Pointer:
    """Make the image before the current one current again, and hold the pointer.

    Raises:
        NotPromotableError: no image from before may become current.
        PointerMovedError: somebody else moved it meanwhile.
    """
    raise NotImplementedError


def release(recipe_name: str, region: str, store: RunStore) -> Pointer:
    """Let promoters move the pointer again."""
    raise NotImplementedError
