"""Images: the base, and the one that a run makes."""

import functools
from collections.abc import Callable
from typing import Any

from notebake.aws import tags
from notebake.aws.clients import calling, connect, until_known, wait_for_first
from notebake.aws.gone import until_removed
from notebake.aws.kinds import IMAGE, SNAPSHOT, list_kind
from notebake.aws.readings import BY_RUN, look
from notebake.aws.single_flight import BRIEFLY_SECONDS, kept_for
from notebake.errors import CloudError, PreflightError
from notebake.names import name_of_image
from notebake.recipe import BaseImage
from notebake.records import Image, Run
from notebake.runs import lasting_tags

PROGRESS_SECONDS = 5
BROKEN_STATES = {"failed", "error", "invalid", "deregistered", "disabled"}


@kept_for(BRIEFLY_SECONDS)
def resolve_base_image(base: BaseImage, region: str) -> dict[str, Any]:
    """Return EC2's description of the base image, resolving its SSM parameter first."""
    image_id = base.image_id
    if image_id is None:
        with calling(f"read the SSM parameter {base.parameter} in {region}"):
            answer = connect("ssm", region).get_parameter(Name=base.parameter)
        image_id = str(answer["Parameter"]["Value"])
    with calling(f"describe the base image {image_id} in {region}"):
        images = connect("ec2", region).describe_images(ImageIds=[image_id])["Images"]
    if not images or images[0]["State"] != "available":
        state = images[0]["State"] if images else "not there"
        raise PreflightError(f"The base image {image_id} in {region} is {state}.")
    return dict(images[0])


def image_name(run: Run) -> str:
    """Return the name of the run's image: unique in the account and region, and readable."""
    return name_of_image(run.id)


def find_image(run: Run) -> Image | None:
    """Return the image that the run made, in whatever state.

    Raises:
        NotOursError: an image of that name exists that the run did not make.
    """
    named = look(run.recipe.region, IMAGE, "name", image_name(run))
    if not named:
        return None
    image = as_image(named[0])
    told = lasting_tags.tags_of_own(
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
    told = tags.tags_for(run, "image", **lineage)

    def send() -> dict[str, Any]:
        before_each()
        answer: dict[str, Any] = connect("ec2", run.recipe.region).create_image(
            InstanceId=instance_id,
            Name=image_name(run),
            Description=run.recipe.description or f"Baked by notebake from {run.recipe.name}",
            BlockDeviceMappings=mappings,
            TagSpecifications=tags.specifications(told, "image", "snapshot"),
        )
        return answer

    try:
        answer = until_known(send, what=f"make an image of {instance_id}")
    except CloudError as error:
        if error.code != "InvalidAMIName.Duplicate":
            raise
        found = wait_for_first(lambda: find_image(run), f"the image {image_name(run)}")
        if found.source_instance_id != instance_id:
            raise
        return found
    return Image(id=answer["ImageId"], name=image_name(run), state="pending", tags=told)


def snapshot_progress(run: Run) -> str:
    """Return how far the snapshots of the run's image are, for people: some seconds old."""
    found = _snapshots(run, oldest_seconds=PROGRESS_SECONDS)
    return ", ".join(one.get("Progress") or "0%" for one in found) or "requested"


def _snapshots(run: Run, *, oldest_seconds: float | None = None) -> list[dict[str, Any]]:
    """Return EC2's descriptions of the snapshots that were made with the run's image."""

    def is_of_image(one: dict[str, Any]) -> bool:
        return tags.as_dict(one.get("Tags")).get(tags.ROLE) == "image"

    region = run.recipe.region
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


def share_image(image: Image, accounts: tuple[str, ...], region: str) -> None:
    """Let other accounts launch the image and copy its snapshots. May be repeated."""
    ec2 = connect("ec2", region)
    wanted = [{"UserId": account} for account in accounts]
    until_known(
        lambda: ec2.modify_image_attribute(ImageId=image.id, LaunchPermission={"Add": wanted}),
        what=f"share {image.id} with {', '.join(accounts)}",
    )
    for snapshot_id in image.snapshot_ids:
        until_known(
            functools.partial(
                ec2.modify_snapshot_attribute,
                SnapshotId=snapshot_id,
                Attribute="createVolumePermission",
                OperationType="add",
                UserIds=list(accounts),
            ),
            what=f"share {snapshot_id} with {', '.join(accounts)}",
        )


def remove_image(image: Image, region: str) -> None:
    """Deregister an image and delete its snapshots. May be repeated."""
    try:
        with calling(f"deregister {image.id}"):
            connect("ec2", region).deregister_image(ImageId=image.id)
    except CloudError as error:
        # Deregistered by a call whose answer was lost; one that is only late is found again.
        if error.code not in {"InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"}:
            raise
    remove_snapshots(image.snapshot_ids, region)


def remove_snapshots(snapshot_ids: tuple[str, ...], region: str) -> None:
    """Delete snapshots; those that are gone already are fine.

    One whose image was deregistered just now may still count as in use.
    """
    for snapshot_id in snapshot_ids:
        delete = functools.partial(connect("ec2", region).delete_snapshot, SnapshotId=snapshot_id)
        until_removed(delete, snapshot_id)


def as_image(found: dict[str, Any]) -> Image:
    """Return the record of an image that EC2 describes."""
    disks = [mapping.get("Ebs", {}) for mapping in found.get("BlockDeviceMappings", [])]
    return Image(
        id=found["ImageId"],
        name=found.get("Name", ""),
        state=found["State"],
        snapshot_ids=tuple(disk["SnapshotId"] for disk in disks if disk.get("SnapshotId")),
        source_instance_id=found.get("SourceInstanceId"),
        tags=tags.as_dict(found.get("Tags")),
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
    remove_snapshots(orphans, run.recipe.region)


def disks_that_stay(run: Run) -> list[str]:
    """Return the devices of the run's image that would be kept when its machines are terminated."""
    name = image_name(run)
    found = wait_for_first(lambda: look(run.recipe.region, IMAGE, "name", name) or None, name)
    return [
        mapping["DeviceName"]
        for mapping in found[0]["BlockDeviceMappings"]
        if "Ebs" in mapping and not mapping["Ebs"].get("DeleteOnTermination", False)
    ]


def shared_with(image_id: str, region: str) -> set[str]:
    """Return the accounts that may launch an image."""
    with calling(f"ask who may launch {image_id}"):
        answer = connect("ec2", region).describe_image_attribute(
            ImageId=image_id, Attribute="launchPermission"
        )
    return {one["UserId"] for one in answer["LaunchPermissions"] if "UserId" in one}
