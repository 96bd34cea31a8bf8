"""Revokes an image: it is never a base and never current any more; what came of it is named."""

import logging
from collections.abc import Iterable, Mapping

from pydantic import ValidationError

from notebake import clock
from notebake.aws import tagging, tags
from notebake.aws.image_parameter import describe_images
from notebake.aws.kinds import IMAGE
from notebake.errors import CloudError, RunStoreError, WrongAccountError
from notebake.images.copying.known_copies import (
    KnownCopy,
    SharedImage,
    known_copies,
    read_sharing,
)
from notebake.images.pointer_record import PointerMovedError, StoredPointer, list_pointers
from notebake.images.pointer_writer import open_log
from notebake.images.revocation import Revocation, check_image_id, store_revocation
from notebake.ledger.entry import Entry, format_time
from notebake.ledger.kinds import REVOKED
from notebake.ledger.recording import recording
from notebake.record import Record
from notebake.runs.run_record import record_place
from notebake.runs.seal_index import latest_seals
from notebake.store.interface import RunStore
from notebake.timestamps import utc_from_seconds

log = logging.getLogger(__name__)


class RevokedImage(Record):
    """What the revocation of an image has shown."""

    revocation: Revocation
    current_of: tuple[str, ...]
    """The recipes of which it is the current image."""
    descendants: tuple[str, ...]
    """The images that were made from it, or from such an image; EC2 or the record has them."""
    copies: tuple[KnownCopy, ...] = ()
    sharing: SharedImage | None = None
    """With whom it is shared; None if it is not of this account."""


def revoke(image_id: str, region: str, store: RunStore, *, reason: str) -> RevokedImage:
    """Revoke an image. May be repeated; the first reason stays.

    Raises:
        NotebakeError: that is no id of an image.
        CloudError: EC2 does not say which images were made from it; it is revoked.
    """
    check_image_id(image_id)
    chain = open_log(store)
    chain.append(REVOKED, {"image": image_id, "region": region, "reason": reason})
    revocation = store_revocation(
        Revocation(
            image_id=image_id,
            region=region,
            reason=reason,
            at=format_time(clock.now()),
            by=chain.writer.who,
        ),
        store,
    )
    with recording(chain):
        _mark(image_id, region)
    return RevokedImage(
        revocation=revocation,
        current_of=tuple(_drop_moves(image_id, region, store)),
        descendants=descendants_of(image_id, _bases(region, store)),
        copies=_copies_of(image_id, store),
        sharing=read_sharing(image_id, region),
    )


def _copies_of(image_id: str, store: RunStore) -> tuple[KnownCopy, ...]:
    """Return the copies that are known; the image is revoked by now, whatever the store says."""
    try:
        return tuple(known_copies(image_id, store))
    except (RunStoreError, ValidationError) as error:
        log.warning("Which copies of %s there are is not known: %s", image_id, error)
        return ()


def descendants_of(image_id: str, bases: Mapping[str, str]) -> tuple[str, ...]:
    """Return the images whose chain of bases leads to an image; `bases` has each one's base."""
    found: set[str] = set()
    while new := {each for each, base in bases.items() if base in {image_id, *found}} - found:
        found |= new
    return tuple(sorted(found - {image_id}))


def _mark(image_id: str, region: str) -> None:
    """Tag the image, if it is one of ours; the run store alone decides."""
    try:
        images = describe_images(region, IMAGE.id_filter, image_id)
        if any(tags.RUN in each.tags and tags.REVOKED not in each.tags for each in images):
            at = tags.as_tag(utc_from_seconds(clock.now()))
            tagging.add_tags_once(region, [image_id], {tags.REVOKED: at})
    except WrongAccountError:
        raise
    except CloudError as error:
        log.warning("%s does not carry the tag %s: %s", image_id, tags.REVOKED, error)


def _drop_moves(image_id: str, region: str, store: RunStore) -> Iterable[str]:
    """Drop each move to the image that is under way; yield the recipes that have it as current."""
    for pointer in list_pointers(region, store):
        stored = StoredPointer(pointer.recipe, region, store)
        while _is_moving_to(image_id, stored):
            try:
                stored.write(moving=None)
            except PointerMovedError:
                stored.read()
        if stored.pointer.image_id == image_id:
            yield pointer.recipe


def _is_moving_to(image_id: str, stored: StoredPointer) -> bool:
    moving = stored.pointer.moving
    is_done = stored.pointer.image_id == image_id
    return moving is not None and moving.to.image_id == image_id and not is_done


def _bases(region: str, store: RunStore) -> dict[str, str]:
    """Return the base of each image: by the record, and by the tags of those that EC2 has.

    The record also has those that are not there any more, between an image and its ancestor.
    """
    place = record_place(store.location)
    keys = [place.prefix + seal for seal in latest_seals(place)]
    bases = {}
    for stored in place.store.read_all(keys):
        summary = Entry.model_validate_json(stored.content).body.get("summary", {})
        image = summary.get("image") or {}
        if image.get("id") and summary.get("base_image"):
            bases[str(image["id"])] = str(summary["base_image"])
    shown = describe_images(region, f"tag:{tags.BASE_IMAGE}", "*")
    return bases | {each.id: each.tags[tags.BASE_IMAGE] for each in shown}
