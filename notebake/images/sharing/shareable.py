"""Which image may be shared: accepted, available, ours and not revoked, or a verified copy."""

from typing import Any

from notebake.aws import tags
from notebake.aws.identity import current_account
from notebake.aws.kinds import SNAPSHOT, list_kind
from notebake.aws.model import Image
from notebake.errors import NextCommand, NotebakeError
from notebake.images.made_image import MadeImage, find_made_image
from notebake.images.promotable import wrong_by_store, wrong_in_record
from notebake.images.revocation import check_image_id
from notebake.runs.account import check_same_account, read_account
from notebake.store.interface import RunStore


class NotShareableError(NotebakeError):
    """The image is not shared so; the message has the reason. Nothing was changed."""


def find_own_image(image_id: str, region: str, store: RunStore) -> MadeImage:
    """Return an image that a run of this account has made, and its run.

    Raises:
        NotPromotableError: EC2 shows no such image, or no run has made it.
        WrongAccountError: the run belongs to another account than the credentials.
    """
    made = find_made_image(check_image_id(image_id), region, store)
    if recorded := read_account(made.run.id, store):
        check_same_account(made.run.id, recorded, current_account(region))
    return made


def check_proven(made: MadeImage, region: str, store: RunStore) -> None:
    """Check an image by what EC2 and the record show now: a tag alone proves nothing.

    Raises:
        NotShareableError: it may not be shared or copied.
    """
    image = made.image
    reason = wrong_by_store(image.id, region, store)
    if not reason and image.state != "available":
        reason = f"EC2 says that it is {image.state}"
    reason = reason or _not_proven(made, region, store)
    if reason:
        raise NotShareableError(
            f"{image.id} in {region} is neither shared nor copied: {reason}."
        ).with_next(NextCommand(("images", "--region", region), "To see all images"))


def read_snapshots(image: Image, region: str) -> list[dict[str, Any]]:
    """Return EC2's descriptions of an image's snapshots, in the order of their ids."""
    found = list_kind(region, SNAPSHOT, SNAPSHOT.id_filter, list(image.snapshot_ids))
    return sorted(found, key=lambda snapshot: str(snapshot["SnapshotId"]))


def keys_of(snapshots: list[dict[str, Any]]) -> tuple[str, ...]:
    """Return the keys that encrypt snapshots; none if they are not encrypted."""
    return tuple(sorted({str(each["KmsKeyId"]) for each in snapshots if each.get("KmsKeyId")}))


def _not_proven(made: MadeImage, region: str, store: RunStore) -> str:
    run, image = made
    source = image.tags.get(tags.COPY_OF)
    if source is None:
        if tags.ACCEPTED not in image.tags:
            return f"it is not accepted: it does not carry the tag {tags.ACCEPTED}"
        return wrong_in_record(image.id, run.id, run.recipe_name, region, store)
    if tags.COPY_VERIFIED not in image.tags:
        return f"it is a copy of {source}, and not yet verified"
    came_from = image.tags.get(tags.COPY_FROM, "")
    if revoked := wrong_by_store(source, came_from, store):
        return f"it is a copy of {source}: {revoked}"
    return wrong_in_record(source, run.id, run.recipe_name, came_from, store)
