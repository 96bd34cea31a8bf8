"""The image of a run in EC2, found by its name, and its snapshots."""

from typing import Any

from notebake.aws import images, tags
from notebake.aws.clients import wait_for_first
from notebake.aws.images import as_image, remove_snapshots
from notebake.aws.kinds import IMAGE, SNAPSHOT, list_kind
from notebake.aws.model import Image
from notebake.aws.names import name_of_image
from notebake.aws.shared_describe import BY_RUN, describe_shared
from notebake.errors import CloudError
from notebake.ledger.kinds import OUTCOME
from notebake.ledger.recording import record
from notebake.runs import tag_repair
from notebake.runs.run import Run

PROGRESS_SECONDS = 5


def find_image(run: Run) -> Image | None:
    """Return the image of the run, in any state.

    Raises:
        NameTakenError: an image of that name exists that the run did not create.
    """
    found = describe_shared(run.region, IMAGE, "name", name_of_image(run.id))
    if not found:
        return None
    image = as_image(found[0])
    repaired = tag_repair.owned_tags(
        run, "The image", image.id, image.tags, made_as="image", parts=image.snapshot_ids
    )
    return image.model_copy(update={"tags": repaired})


def request_image(
    run: Run,
    instance_id: str,
    mappings: list[dict[str, Any]],
    lineage: dict[str, str],
) -> Image:
    """Request the image of a stopped instance; return it as soon as EC2 has given it an id.

    CreateImage has no client token. The name is unique, so a second request finds the first image.
    """
    name, marks = name_of_image(run.id), tags.tags_for(run, "image", **lineage)
    wanted = {
        "Name": name,
        "Description": run.recipe.description or f"Baked by notebake from {run.recipe.name}",
        "BlockDeviceMappings": mappings,
    }
    try:
        image_id = images.create_image(instance_id, wanted, marks, run.region)
    except CloudError as error:
        if error.code != "InvalidAMIName.Duplicate":
            raise
        existing = wait_for_first(lambda: find_image(run), f"the image {name}")
        if existing.source_instance_id != instance_id:
            raise
        return existing
    return Image(id=image_id, name=name, state="pending", tags=marks)


def snapshot_progress(run: Run) -> str:
    """Return the progress of the image's snapshots for people; it may be some seconds old."""
    found = _snapshots(run, max_age_seconds=PROGRESS_SECONDS)
    return ", ".join(snapshot.get("Progress") or "0%" for snapshot in found) or "requested"


def _snapshots(run: Run, *, max_age_seconds: float | None = None) -> list[dict[str, Any]]:
    """Return EC2's descriptions of the snapshots of the run's image."""

    def is_of_image(snapshot: dict[str, Any]) -> bool:
        return tags.as_dict(snapshot.get("Tags")).get(tags.ROLE) == "image"

    region = run.region
    found = describe_shared(
        region, SNAPSHOT, BY_RUN, run.id, only=is_of_image, max_age_seconds=max_age_seconds
    )
    image = find_image(run)
    tagged = {snapshot["SnapshotId"] for snapshot in found}
    untagged = [id for id in (image.snapshot_ids if image else ()) if id not in tagged]
    return [*found, *list_kind(region, SNAPSHOT, SNAPSHOT.id_filter, untagged)]


def count_started_snapshots(run: Run, image_id: str) -> int:
    """Return how many snapshots of the image have started and so preserve their disks' content.

    "The snapshot is created immediately, but it remains in the pending state until all of data has
    been transferred" (EBS user guide, "Create Amazon EBS snapshots"). EC2 puts the image id into
    their descriptions.
    """
    return sum(
        snapshot["State"] in ("pending", "completed")
        and image_id in snapshot.get("Description", "")
        for snapshot in _snapshots(run)
    )


def remove_orphan_snapshots(run: Run) -> None:
    """Delete the run's snapshots that belong to no image.

    They remain if the process is killed between the removal of an image and of its snapshots, or
    if EC2 lists the snapshots of a pending image late.
    """
    image = find_image(run)
    used = image.snapshot_ids if image else ()
    ids = [snapshot["SnapshotId"] for snapshot in _snapshots(run)]
    remove_snapshots(tuple(id for id in ids if id not in used), run.region)


def disks_kept_on_termination(run: Run) -> list[str]:
    """Return the devices of the run's image that EC2 keeps when a machine is terminated."""
    name = name_of_image(run.id)
    found = wait_for_first(lambda: describe_shared(run.region, IMAGE, "name", name) or None, name)
    return [
        mapping["DeviceName"]
        for mapping in found[0]["BlockDeviceMappings"]
        if "Ebs" in mapping and not mapping["Ebs"].get("DeleteOnTermination", False)
    ]


def record_what_stays(run: Run) -> None:
    """Record that nothing temporary is left of the run, and the image that stays, if any."""
    image = find_image(run)
    shown = image and {
        "id": image.id,
        "name": image.name,
        "accepted": image.tags.get(tags.ACCEPTED, ""),
        "snapshots": list(image.snapshot_ids),
    }
    record(OUTCOME, {"image": shown})
