"""The copies of an image that this run store has asked for, and with whom an image is shared."""

import logging
from collections.abc import Iterator

from notebake.aws.image_parameter import describe_images
from notebake.aws.kinds import IMAGE
from notebake.aws.launch_permissions import shared_with
from notebake.errors import CloudError
from notebake.images.copying.request import CopyRequest
from notebake.images.revocation import find_revocation
from notebake.record import Record
from notebake.runs.reserved_ids import COPIES
from notebake.store.interface import RunStore

log = logging.getLogger(__name__)


class SharedImage(Record):
    """An image of this account, and with whom it is shared."""

    image_id: str
    region: str
    recipients: tuple[str, ...] | None = ()
    """None: AWS did not say."""


class KnownCopy(SharedImage):
    """A copy that was asked for; its id is "" if nobody has seen it yet."""

    is_revoked: bool = False


def known_copies(image_id: str, store: RunStore) -> Iterator[KnownCopy]:
    """Yield the copies of an image, but for those that EC2 does not show any more."""
    for key in store.list(f"{COPIES}/{image_id}/"):
        stored = store.read(key)
        copy_id = CopyRequest.model_validate_json(stored.content).image_id if stored else ""
        region = key.rpartition("/")[2].rpartition("-")[0]
        if not copy_id:
            yield KnownCopy(image_id="", region=region)
        elif found := read_sharing(copy_id, region):
            is_revoked = find_revocation(copy_id, store) is not None
            yield KnownCopy(**found.model_dump(), is_revoked=is_revoked)


def read_sharing(image_id: str, region: str) -> SharedImage | None:
    """Return with whom an image is shared; None if this account has no such image."""
    try:
        if not describe_images(region, IMAGE.id_filter, image_id):
            return None
        recipients = tuple(sorted(shared_with(image_id, region)))
    except CloudError as error:
        log.warning("With whom %s in %s is shared is not known: %s", image_id, region, error)
        return SharedImage(image_id=image_id, region=region, recipients=None)
    return SharedImage(image_id=image_id, region=region, recipients=recipients)
