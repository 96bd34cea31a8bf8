"""The pointer of a recipe in a region: which image is current. Its truth is one object.

pointers/<region>/<recipe>.json
"""

import datetime

from pydantic import ConfigDict

from notebake.errors import NotebakeError
from notebake.record import Record


class PointerHeldError(NotebakeError):
    """The pointer is held: after a rollback, or because its parameter did not follow."""


class NotPromotableError(NotebakeError):
    """The image may not become current; the message has the reason. Nothing was moved."""


class PointerMovedError(NotebakeError):
    """Somebody else moved the pointer, or held it, in the meantime."""


class PointedImage(Record):
    """An image that is or was current."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    image_id: str
    run_id: str
    """The run that made it."""
    since: datetime.datetime
    by: str
    """The pseudonym of who moved the pointer to it, as in an entry of the record."""


class Move(Record):
    """A move that was begun and whose end is not known."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    token: str
    """Random: no two moves are equal."""
    to: PointedImage
    is_rollback: bool = False


class Pointer(Record):
    """Which image of a recipe is current in a region."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    recipe: str
    region: str
    current: PointedImage | None = None
    """None until the first move has succeeded."""
    previous: tuple[PointedImage, ...] = ()
    """What was current before, oldest first; a rollback takes the last one from it."""
    is_held: bool = False
    """Whether only `notebake promote` moves it."""
    reason: str = ""
    """Why it is held."""
    moving: Move | None = None
    """The move that is under way, or that was killed."""

    @property
    def image_id(self) -> str:
        """The id of the current image; "" if there is none."""
        return self.current.image_id if self.current else ""

    @property
    def run_id(self) -> str:
        """The run that made the current image; "" if there is none."""
        return self.current.run_id if self.current else ""
