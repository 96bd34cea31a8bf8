"""The images of a region, as a list shows them."""

import datetime

from notebake.aws import tags
from notebake.aws.inventory import list_resources
from notebake.aws.model import Resource
from notebake.costs.monthly import cost_of_snapshot
from notebake.images.pointer_record import list_pointers
from notebake.images.revocation import list_revoked
from notebake.record import Record
from notebake.store.interface import RunStore
from notebake.timestamps import parse_timestamp


class ListedImage(Record):
    """An image that notebake made, with its snapshots summed up."""

    id: str
    name: str
    recipe: str
    """Name of its recipe; empty if its tags are lost."""
    run_id: str
    state: str
    """In EC2's words."""
    made_at: datetime.datetime | None
    is_accepted: bool
    accepted_at: datetime.datetime | None
    size_gib: int | None
    """Size of its disks, GiB; None if EC2 shows none of its snapshots."""
    usd_per_month: float | None
    """At most, as if every block of its disks were written; None if the price is unknown."""
    is_current: bool = False
    """Whether the pointer of its recipe in the run store says so."""
    is_held: bool = False
    """Whether that pointer is held, if it is current."""
    is_revoked: bool = False


def list_images(region: str, store: RunStore) -> list[ListedImage]:
    """Return the images of a region that notebake made: by recipe, and the newest first.

    The run store says which are current, and which are revoked.
    """
    resources = list_resources(region)
    images = [_listed(each, resources) for each in resources if each.kind == "image"]
    held = {each.image_id: each.is_held for each in list_pointers(region, store)}
    revoked = list_revoked(store)
    images = [
        each.model_copy(
            update={
                "is_current": each.id in held,
                "is_held": held.get(each.id, False),
                "is_revoked": each.id in revoked,
            }
        )
        for each in images
    ]
    undated = datetime.datetime.min.replace(tzinfo=datetime.UTC)
    images.sort(key=lambda image: image.made_at or undated, reverse=True)
    return sorted(images, key=lambda image: image.recipe)


def _listed(image: Resource, resources: list[Resource]) -> ListedImage:
    ids = {image.id, *image.parts}
    snapshots = [
        each for each in resources if each.kind == "snapshot" and ids & {each.id, *each.owners}
    ]
    costs = [cost_of_snapshot(snapshot) for snapshot in snapshots]
    known = [cost for cost in costs if cost is not None]
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
        size_gib=sum(each.size_gib for each in snapshots) if snapshots else None,
        usd_per_month=sum(known) if costs and len(known) == len(costs) else None,
    )
