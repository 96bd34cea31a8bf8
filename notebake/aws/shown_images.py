"""The images of a region with all that EC2 tells of them, for a catalogue: two calls."""

import datetime
from typing import Any

from notebake.aws import tags
from notebake.aws.kinds import IMAGE, SNAPSHOT, list_kind
from notebake.aws.model import Resource
from notebake.aws.resource_record import as_resource
from notebake.aws.shared_describe import BY_RUN
from notebake.record import Record
from notebake.timestamps import parse_timestamp


class ShownImage(Record):
    """An image that carries a run's tag, with its snapshots."""

    resource: Resource
    snapshots: tuple[Resource, ...]
    """Those that EC2 shows; `resource.parts` has the ids of all."""
    base_image_id: str
    """The image from which its builder was launched."""
    deprecated_from: datetime.datetime | None
    """Since when it is deprecated, or will be."""
    last_launched: datetime.datetime | None
    """When a machine was launched from it last, as EC2 tells it a day later; None: never.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-last-launched-time.html
    """
    is_public: bool
    is_protected: bool
    """Whether EC2 refuses to deregister it."""


class ShownImages(Record):
    """The images of a region, and the snapshots of runs that belong to none of them."""

    images: tuple[ShownImage, ...]
    loose: tuple[Resource, ...]


def show_images(region: str) -> ShownImages:
    """Return the images with a run's tag, the disabled among them.

    Raises:
        CloudError: EC2 refused, or gave no answer.
    """
    described = list_kind(region, IMAGE, BY_RUN, ["*"])
    tagged = _snapshots(region, list_kind(region, SNAPSHOT, BY_RUN, ["*"]))
    images = [as_resource(IMAGE.name, found, found["ImageId"], region) for found in described]
    parts = [snapshot_id for image in images for snapshot_id in image.parts]
    # A snapshot that has lost its tag is still part of its image.
    lost = [snapshot_id for snapshot_id in parts if snapshot_id not in tagged]
    known = tagged | _snapshots(region, list_kind(region, SNAPSHOT, SNAPSHOT.id_filter, lost))
    return ShownImages(
        images=tuple(
            _shown(found, image, known) for found, image in zip(described, images, strict=True)
        ),
        loose=tuple(snapshot for id, snapshot in tagged.items() if id not in parts),
    )


def _snapshots(region: str, described: list[dict[str, Any]]) -> dict[str, Resource]:
    return {
        found["SnapshotId"]: as_resource(SNAPSHOT.name, found, found["SnapshotId"], region)
        for found in described
    }


def _shown(found: dict[str, Any], image: Resource, known: dict[str, Resource]) -> ShownImage:
    return ShownImage(
        resource=image,
        snapshots=tuple(known[id] for id in image.parts if id in known),
        base_image_id=image.tags.get(tags.BASE_IMAGE) or found.get("SourceImageId") or "",
        deprecated_from=parse_timestamp(found.get("DeprecationTime") or ""),
        last_launched=parse_timestamp(found.get("LastLaunchedTime") or ""),
        is_public=bool(found.get("Public")),
        is_protected=found.get("DeregistrationProtection", "disabled") != "disabled",
    )
