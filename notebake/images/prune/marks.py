"""What prunes have begun and done in a region, kept in one object of the run store.

prunes/<region>/marks.json

EC2 does not tell since when an image is disabled. And who moves a pointer looks here after it has
announced the move, as a prune looks at the pointers after it has announced what it begins: of the
two one sees the other, and gives way.
"""

import datetime
from collections.abc import Mapping
from typing import Literal

from pydantic import ConfigDict

from notebake.errors import NotebakeError, RunStoreError
from notebake.record import Record
from notebake.runs.reserved_ids import PRUNES
from notebake.store.interface import RunStore

Doing = Literal["", "disable", "remove"]


class MarksChangedError(NotebakeError):
    """Somebody else has written the marks meanwhile."""


class Mark(Record):
    """What a prune has begun or done with one image."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    recipe: str
    doing: Doing = ""
    """What was begun, and not seen to its end."""
    since: datetime.datetime
    """When the last stage was begun."""
    disabled_at: datetime.datetime | None = None
    snapshot_ids: tuple[str, ...] = ()
    """All snapshots of the image, for who finds it gone."""


class Marks(Record):
    """The marks of a region, by image id. What is over has none."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    images: Mapping[str, Mark] = {}


class StoredMarks:
    """The marks as they were read last, which are written only if nobody has changed them since."""

    def __init__(self, region: str, store: RunStore) -> None:
        self._key, self._store = f"{PRUNES}/{region}/marks.json", store
        stored = store.read(self._key)
        self._version = stored.version if stored else ""
        self.images = dict(_parse(stored.content, store.where(self._key)).images if stored else {})

    def set(self, image_id: str, mark: Mark | None) -> None:
        """Write the mark of an image; None removes it.

        Raises:
            MarksChangedError: they are not those that were read any more.
        """
        if self.images.get(image_id) == mark:
            return
        images = {id: each for id, each in self.images.items() if id != image_id}
        images |= {image_id: mark} if mark else {}
        content = Marks(images=images).model_dump_json(indent=2).encode()
        if self._version:
            is_written = self._store.replace(self._key, content, version=self._version)
        else:
            is_written = self._store.create(self._key, content)
        stored = self._store.read(self._key) if is_written else None
        if stored is None or stored.content != content:
            raise MarksChangedError(
                f"{self._store.where(self._key)} was changed by somebody else meanwhile."
            )
        self._version, self.images = stored.version, images


def find_mark(image_id: str, region: str, store: RunStore) -> Mark | None:
    """Return the mark of an image, if it has one.

    Raises:
        RunStoreError: the store failed, or what it has cannot be read.
    """
    return StoredMarks(region, store).images.get(image_id)


def _parse(content: bytes, where: str) -> Marks:
    try:
        return Marks.model_validate_json(content)
    except ValueError as error:
        reason = str(error).splitlines()[0]
        raise RunStoreError(
            f"{where} should say what prunes have done, and cannot be read: {reason}",
            "Put it back from a copy. Without it every image that is disabled stays.",
        ) from error
