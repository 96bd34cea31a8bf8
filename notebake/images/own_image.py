"""The image that a run makes: asked for once, found again by its name."""

from collections.abc import Callable
from typing import Any

from notebake.aws import images, tags
from notebake.aws.clients import wait_for_first
from notebake.aws.images import as_image, remove_snapshots
from notebake.aws.kinds import IMAGE, SNAPSHOT, list_kind
from notebake.aws.model import Image
from notebake.aws.readings import BY_RUN, look
from notebake.errors import CloudError
from notebake.names import name_of_image
from notebake.runs import tag_repair
from notebake.runs.run import Run

PROGRESS_SECONDS = 5


def find_image(run: Run) -> Image | None:
    """Return the image that the run made, in whatever state.

    Raises:
        NameTakenError: an image of that name exists that the run did not make.
    """
    named = look(run.region, IMAGE, "name", name_of_image(run.id))
    if not named:
        return None
    image = as_image(named[0])
    told = tag_repair.owned_tags(
        run, "The image", image.id, image.tags, made_as="image", parts=image.snapshot_ids
    )
    return image.model_copy(update={"tags": told})


def request_image(
    run: Run,
    instance_id: str,
    mappings: list[dict[str, Any]],
    lineage: dict[str, str],
    before_each: Callable[[], None] = lambda: None,
) -> Image:
    """Ask for the image of a stopped instance; return it as soon as EC2 has named it.

    CreateImage has no token: its name is the key, so a second request finds the first.
    """
    name, marks = name_of_image(run.id), tags.tags_for(run, "image", **lineage)
    wanted = {
        "Name": name,
        "Description": run.recipe.description or f"Baked by notebake from {run.recipe.name}",
        "BlockDeviceMappings": mappings,
    }
    try:
        image_id = images.create_image(instance_id, wanted, marks, run.region, before_each)
    except CloudError as error:
        if error.code != "InvalidAMIName.Duplicate":
            raise
        found = wait_for_first(lambda: find_image(run), f"the image {name}")
        if found.source_instance_id != instance_id:
            raise
        return found
    return Image(id=image_id, name=name, state="pending", tags=marks)


def snapshot_progress(run: Run) -> str:
    """Return how far the snapshots of the run's image are, for people: some seconds old."""
    found = _snapshots(run, oldest_seconds=PROGRESS_SECONDS)
    return ", ".join(one.get("Progress") or "0%" for one in found) or "requested"


def _snapshots(run: Run, *, oldest_seconds: float | None = None) -> list[dict[str, Any]]:
    """Return EC2's descriptions of the snapshots that were made with the run's image."""

    def is_of_image(one: dict[str, Any]) -> bool:
        return tags.as_dict(one.get("Tags")).get(tags.ROLE) == "image"

    region = run.region
    found = look(region, SNAPSHOT, BY_RUN, run.id, only=is_of_image, oldest_seconds=oldest_seconds)
    image = find_image(run)
    shown = {one["SnapshotId"] for one in found}
    untagged = [one for one in (image.snapshot_ids if image else ()) if one not in shown]
    return [*found, *list_kind(region, SNAPSHOT, SNAPSHOT.id_filter, untagged)]


def count_snapshots_begun(run: Run, image_id: str) -> int:
    """Return how many snapshots of an image of the run hold what was on their disks by then.

    "The snapshot is created immediately, but it remains in the pending state until all of data has
    been transferred" (EBS user guide, "Create Amazon EBS snapshots"). EC2 names the image in the
    description of what it makes for it.
    """
    return sum(
        one["State"] in ("pending", "completed") and image_id in one.get("Description", "")
        for one in _snapshots(run)
    )


def remove_orphan_snapshots(run: Run) -> None:
    """Delete the run's snapshots that belong to no image any more, or never did.

    A kill between an image and its snapshots leaves them, and EC2 may name those of an image that
    is still pending only later.
    """
    image = find_image(run)
    kept = image.snapshot_ids if image else ()
    found = [one["SnapshotId"] for one in _snapshots(run)]
    orphans = tuple(one for one in found if one not in kept)
    remove_snapshots(orphans, run.region)


def disks_that_stay(run: Run) -> list[str]:
    """Return the devices of the run's image that would be kept when its machines are terminated."""
    name = name_of_image(run.id)
    found = wait_for_first(lambda: look(run.region, IMAGE, "name", name) or None, name)
    return [
        mapping["DeviceName"]
        for mapping in found[0]["BlockDeviceMappings"]
        if "Ebs" in mapping and not mapping["Ebs"].get("DeleteOnTermination", False)
    ]
