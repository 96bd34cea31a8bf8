"""The part of a recipe for Amazon EFS: file systems that servers share and that no image holds."""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Annotated

from notebake.recipe.content import Dataset
from notebake.recipe.fields import OwnPath, Sha256, id_of, matching
from notebake.recipe.machine import InstanceStore, Volume
from notebake.recipe.part import Contradiction, FieldPath, Part

ACCESS_POINT_ID = "an id such as fsap-0123456789abcdef0"
MAX_TAG_VALUE = 256
"""Of an EC2 tag: the image's names the mount points."""


class Efs(Part):
    """An EFS file system of yours, which each server mounts by its instance profile."""

    file_system_id: Annotated[str, id_of("fs")]
    """The file system, which is there already; it is never made, changed or deleted."""
    mount_point: OwnPath
    """Where servers mount it when it is first used."""
    access_point_id: Annotated[str, matching(r"fsap-[0-9a-f]{17}", ACCESS_POINT_ID)] | None = None
    """Access point: a folder of it, and the user as whom everybody works there."""


class EfsClient(Part):
    """The program that mounts EFS, which Ubuntu's archive does not have: AWS's own package."""

    version: Annotated[
        str, matching(r"\d+(\.\d+)+-\d+", "a version of the package amazon-efs-utils, as 3.2.0-1")
    ] = "3.2.0-1"
    """Version of the package amazon-efs-utils."""
    sha256: Sha256 | None = None
    """Checksum of its .deb for the image's architecture; without it, the log says which it was."""


def find_in_efs(
    efs: Sequence[Efs],
    client: EfsClient,
    volumes: Sequence[Volume],
    instance_store: InstanceStore | None,
) -> Iterator[Contradiction]:
    """Check that no file system hides another or a disk, and that the client has a use."""
    if not efs and client != EfsClient():
        text = "would be ignored, as efs names no file system"
        yield Contradiction(("efs_client",), text, by_absence=True)
    if len(" ".join(each.mount_point for each in efs)) > MAX_TAG_VALUE:
        text = f"their mount points must fit into one tag: {MAX_TAG_VALUE} characters together"
        yield Contradiction(("efs",), text)
    disks = [PurePosixPath(volume.mount_point) for volume in volumes]
    scratch = PurePosixPath(instance_store.mount_point) if instance_store else None
    before: list[PurePosixPath] = []
    for index, each in enumerate(efs):
        place: FieldPath = ("efs", index, "mount_point")
        own = PurePosixPath(each.mount_point)
        for other in (*before, *disks, *([scratch] if scratch else [])):
            if own.is_relative_to(other) or other.is_relative_to(own):
                text = f"{own} and {other}, where something else is mounted, may not overlap"
                yield Contradiction(place, text)
        if scratch and re.fullmatch(rf"{re.escape(str(scratch))}-\d+", str(own)):
            yield Contradiction(place, f"{own} is for a temporary disk")
        before.append(own)


def find_on_efs(
    efs: Sequence[Efs], repository_path: str | None, datasets: Sequence[Dataset]
) -> Iterator[Contradiction]:
    """Check that nothing is copied on to a file system that no bake mounts, nor around one."""
    folders: list[tuple[FieldPath, str]] = [
        (("datasets", index, "path"), dataset.target_path) for index, dataset in enumerate(datasets)
    ]
    if repository_path:
        folders.append((("repository",), repository_path))
    for place, folder in folders:
        for each in efs:
            if PurePosixPath(folder).is_relative_to(each.mount_point):
                text = f"{folder} is on EFS at {each.mount_point}, which a bake does not mount"
                yield Contradiction(place, text)
            elif PurePosixPath(each.mount_point).is_relative_to(folder):
                text = f"{each.mount_point}, where EFS is mounted, may not lie inside {folder}"
                yield Contradiction(place, text)
