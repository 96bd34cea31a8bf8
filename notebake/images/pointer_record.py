"""The pointer of a recipe in a region: which image is current. Its truth is one object.

pointers/<region>/<recipe>.json
"""

import datetime
from collections.abc import Iterator, Set

from pydantic import ConfigDict

from notebake.errors import NotebakeError, RunStoreError
from notebake.record import Record
from notebake.runs.reserved_ids import POINTERS
from notebake.store.interface import RunStore


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
    """When the move to it was begun."""
    by: str
    """The pseudonym of who moved the pointer to it, as in an entry of the record."""


class Move(Record):
    """A move that was begun, and whose end is not known."""

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

    def before(self, usable: Set[str]) -> str:
        """Return the image of these to which a rollback goes back; "" if there is none."""
        earlier = (each.image_id for each in reversed(self.previous))
        return next((image_id for image_id in earlier if image_id in usable), "")

    @property
    def run_id(self) -> str:
        """The run that made the current image; "" if there is none."""
        return self.current.run_id if self.current else ""


class StoredPointer:
    """The pointer as it was read last, which is written only if nobody has changed it since."""

    def __init__(self, recipe: str, region: str, store: RunStore) -> None:
        self._recipe, self._region, self._store = recipe, region, store
        self.pointer = Pointer(recipe=recipe, region=region)
        self._version = ""
        """Of the stored content; "" if there is none."""
        self.read()

    @property
    def is_stored(self) -> bool:
        return bool(self._version)

    def read(self) -> Pointer:
        """Read the pointer anew.

        Raises:
            RunStoreError: the store failed, or what it has cannot be read.
        """
        key = key_of(self._recipe, self._region)
        stored = self._store.read(key)
        if stored:
            self.pointer = parse_pointer(stored.content, self._store.where(key))
            self._version = stored.version
        return self.pointer

    def write(self, **changes: object) -> Pointer:
        """Write the pointer with changes.

        Raises:
            PointerMovedError: it is not the one that was read any more.
        """
        key = key_of(self._recipe, self._region)
        content = self.pointer.model_copy(update=changes).model_dump_json(indent=2).encode()
        if self._version:
            is_written = self._store.replace(key, content, version=self._version)
        else:
            is_written = self._store.create(key, content)
        stored = self._store.read(key) if is_written else None
        if stored is None or stored.content != content:
            raise PointerMovedError(
                f"The pointer of {self._recipe} in {self._region} was changed by somebody else"
                " meanwhile; it is not moved by this one."
            )
        self._version = stored.version
        self.pointer = parse_pointer(content, self._store.where(key))
        return self.pointer


def key_of(recipe: str, region: str) -> str:
    """Return the key of a pointer."""
    return f"{POINTERS}/{region}/{recipe}.json"


def list_pointers(region: str, store: RunStore) -> Iterator[Pointer]:
    """Yield all pointers in a region. Raises RunStoreError as `StoredPointer.read` does."""
    keys = store.list(f"{POINTERS}/{region}/")
    for stored in store.read_all(keys):
        yield parse_pointer(stored.content, f"{POINTERS}/{region}/")


def parse_pointer(content: bytes, where: str) -> Pointer:
    """Return the pointer in a stored object; RunStoreError if it cannot be read."""
    try:
        return Pointer.model_validate_json(content)
    except ValueError as error:
        reason = str(error).splitlines()[0]
        raise RunStoreError(
            f"{where} should say which image is current, and cannot be read: {reason}",
            "Put it back from a copy, or remove it and type: notebake promote IMAGE",
        ) from error
