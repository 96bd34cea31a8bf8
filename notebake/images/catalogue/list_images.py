"""Lists the images of a region: by EC2, and by the run store as far as that can be read."""

import datetime

from notebake import clock
from notebake.aws import tags
from notebake.aws.image_uses import find_recipients
from notebake.aws.shown_images import ShownImage, show_images
from notebake.costs.monthly import cost_of_snapshot, written_gib
from notebake.errors import CloudError, NotebakeError, WrongAccountError
from notebake.images.catalogue.listed_image import Catalogue, ListedImage
from notebake.images.pointer_record import list_pointers
from notebake.images.revocation import list_revoked
from notebake.runs.open_store import open_store
from notebake.timestamps import parse_timestamp, utc_from_seconds

OLDEST = datetime.datetime.min.replace(tzinfo=datetime.UTC)


def list_images(region: str, location: str, *, asks_sharing: bool = False) -> Catalogue:
    """Return the images of a region that notebake made; two or three calls to EC2.

    With `asks_sharing` there is one more for each image. What else cannot be read is said in
    `missing`.

    Raises:
        CloudError: EC2 does not list the images.
    """
    shown = show_images(region)
    listed = [_listed(each) for each in shown.images]
    listed.sort(key=lambda image: image.made_at or OLDEST, reverse=True)
    listed.sort(key=lambda image: image.recipe)
    missing: list[str] = []
    listed = _with_store([*_with_generations(listed)], region, location, missing)
    if asks_sharing:
        listed = [_with_recipients(image, region, missing) for image in listed]
    return Catalogue(
        region=region,
        at=utc_from_seconds(clock.now()),
        images=tuple(listed),
        loose_snapshots=tuple(sorted(snapshot.id for snapshot in shown.loose)),
        loose_usd_per_month=_sum([cost_of_snapshot(snapshot) for snapshot in shown.loose]),
        missing=tuple(dict.fromkeys(missing)),
    )


def _listed(shown: ShownImage) -> ListedImage:
    image, snapshots = shown.resource, shown.snapshots
    is_told = snapshots and all(each.written_bytes is not None for each in snapshots)
    is_complete = len(snapshots) == len(image.parts)
    accepted = image.tags.get(tags.ACCEPTED)
    return ListedImage(
        id=image.id,
        name=image.name,
        recipe=image.tags.get(tags.RECIPE, ""),
        run_id=image.run_id,
        state=image.state,
        made_at=image.made_at,
        is_accepted=accepted is not None,
        accepted_at=parse_timestamp(accepted or ""),
        base_image_id=shown.base_image_id,
        generation_before="",
        size_gib=sum(each.size_gib for each in snapshots) if snapshots else None,
        written_gib=sum(map(written_gib, snapshots)) if is_told and is_complete else None,
        usd_per_month=_sum([cost_of_snapshot(each) for each in snapshots]) if snapshots else None,
        deprecated_from=shown.deprecated_from,
        last_launched=shown.last_launched,
        is_kept=any(tags.KEEP in each.tags for each in (image, *snapshots)),
        is_public=shown.is_public,
    )


def _sum(costs: list[float | None]) -> float | None:
    """Return the sum; None if one of them is unknown."""
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def _with_generations(images: list[ListedImage]) -> list[ListedImage]:
    """Return the images with the accepted one before each, by the order of the list."""
    found, before = [], {"": ""}
    for image in reversed(images):
        earlier = before.get(image.recipe, "")
        found.append(image.model_copy(update={"generation_before": earlier}))
        if image.is_accepted and image.recipe:
            before[image.recipe] = image.id
    return found[::-1]


def _with_store(
    images: list[ListedImage], region: str, location: str, missing: list[str]
) -> list[ListedImage]:
    """Return the images with what the run store says of them; unchanged if it says nothing."""
    try:
        store = open_store(location)
        pointers, revoked = list(list_pointers(region, store)), list_revoked(store)
    except WrongAccountError:
        raise
    except NotebakeError as error:
        missing.append(f"which images are current, held or revoked: {error.message}")
        return images
    current = {pointer.image_id: pointer for pointer in pointers}
    usable = {
        image.id
        for image in images
        if image.is_accepted and image.state == "available" and image.id not in revoked
    }
    previous = {pointer.before(usable) for pointer in pointers}
    return [
        image.model_copy(
            update={
                "is_current": image.id in current,
                "is_held": image.id in current and current[image.id].is_held,
                "is_previous": image.id in previous,
                "is_revoked": image.id in revoked,
            }
        )
        for image in images
    ]


def _with_recipients(image: ListedImage, region: str, missing: list[str]) -> ListedImage:
    try:
        recipients = find_recipients(image.id, region)
    except WrongAccountError:
        raise
    except CloudError as error:
        missing.append(f"with whom images are shared: {error.message}")
        return image
    return image.model_copy(update={"recipients": recipients})
