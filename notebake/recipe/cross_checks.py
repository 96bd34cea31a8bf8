"""Finds contradictions between the parts of a recipe."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from notebake.recipe.content import Acceptance, Dataset, Notebook, Repository
from notebake.recipe.machine import BaseImage, Encryption, InstanceStore, Volume
from notebake.recipe.part import Contradiction, FieldPath

MAX_TAGS = 30  # EC2 allows 50 on one resource; the others are for notebake's own
MAX_TAG_KEY = 128
MAX_TAG_VALUE = 256
RESERVED_TAG_PREFIXES = ("aws:", "notebake:")
# Graviton families have a g after their generation (m7g, c7gn, x2gd, im4gn); a1 was the first.
ARM_FAMILY = re.compile(r"a1|[a-z]+\d+[a-z]*g[a-z]*")


def find_in_encryption(
    encryption: Encryption, region: str, share_with: Sequence[str]
) -> Iterator[Contradiction]:
    """Check that the key can be shared and is in the recipe's region."""
    if share_with and encryption.uses_default_key:
        yield Contradiction(
            ("share_with",),
            "an image encrypted with the default key cannot be shared:"
            " use encryption mode none or kms with a key of your own, or empty share_with",
        )
    key = encryption.kms_key_id or ""
    if key.startswith("arn:") and key.split(":")[3] != region:
        text = f"the key is not in {region}, where the disks are"
        yield Contradiction(("encryption", "kms_key_id"), text, by_absence=True)


def find_in_architecture(
    base_image: BaseImage, instance_types: Sequence[str], acceptance: Acceptance
) -> Iterator[Contradiction]:
    """Check that image and instance types have one architecture."""
    places: list[tuple[FieldPath, str]] = [
        (("instance_types", index), each) for index, each in enumerate(instance_types)
    ]
    for index, each in enumerate(acceptance.instance_types):
        places.append((("acceptance", "instance_types", index), each))
    parameter = "" if base_image.image_id else base_image.parameter
    wanted = next((name for name in ("amd64", "arm64") if name in parameter), None)
    for path, instance_type in places:
        is_arm = ARM_FAMILY.fullmatch(instance_type.split(".")[0]) is not None
        architecture = "arm64" if is_arm else "amd64"
        wanted = wanted or architecture
        if architecture != wanted:
            text = f"{instance_type} is {architecture}, but the image is for {wanted}"
            yield Contradiction(path, text, by_absence=True)


def find_in_disks(
    volumes: Sequence[Volume], instance_store: InstanceStore | None
) -> Iterator[Contradiction]:
    """Check that no disk hides another or is lost with it, and none is given twice."""
    for field in ("name", "volume_id"):
        values = [getattr(volume, field) for volume in volumes]
        for index, value in enumerate(values):
            if value is not None and value in values[:index]:
                yield Contradiction(("volumes", index, field), f"{value} is given twice")
    before: list[Volume] = []
    for index, volume in enumerate(volumes):
        place: FieldPath = ("volumes", index, "mount_point")
        for other in before:
            if text := find_between(other, volume):
                yield Contradiction(place, text)
        before.append(volume)
        yield from find_in_instance_store(instance_store, place, PurePosixPath(volume.mount_point))


def find_between(first: Volume, second: Volume) -> str | None:
    """Return why the second volume cannot be mounted after the first one, if so."""
    outer, own = PurePosixPath(first.mount_point), PurePosixPath(second.mount_point)
    if own == outer:
        return f"two disks have the same mount_point {own}"
    if outer.is_relative_to(own):
        return f"{own} would hide {outer}, mounted before it; list {own} first"
    if own.is_relative_to(outer) and second.is_in_image and not first.is_in_image:
        return (
            f"{own} is on the disk at {outer}, which the image does not include: machines from the"
            " image could not mount it there. Mount it elsewhere, or give both the same in_image"
        )
    return None


def find_in_instance_store(
    instance_store: InstanceStore | None, place: FieldPath, mount_point: PurePosixPath
) -> Iterator[Contradiction]:
    """Check a mount point against those of the temporary disks, also at -2, -3 …"""
    if instance_store is None:
        return
    scratch = PurePosixPath(instance_store.mount_point)
    if re.fullmatch(rf"{re.escape(str(scratch))}(-\d+)?", str(mount_point)):
        text = f"two disks have the same mount_point: {mount_point} is for a temporary disk"
        yield Contradiction(place, text)
    elif mount_point.is_relative_to(scratch) or scratch.is_relative_to(mount_point):
        text = f"the temporary disk at {scratch} and this one may not lie inside each other"
        yield Contradiction(place, text)


def find_in_folders(
    repository_path: str | None,
    datasets: Sequence[Dataset],
    volumes: Sequence[Volume],
    instance_store: InstanceStore | None,
) -> Iterator[Contradiction]:
    """Check that the copied folders do not overlap, and are on disks that the image includes."""
    folders: list[tuple[FieldPath, PurePosixPath]] = []
    if repository_path:
        folders.append((("repository",), PurePosixPath(repository_path)))
    for index, dataset in enumerate(datasets):
        place: FieldPath = ("datasets", index, "path")
        own = PurePosixPath(dataset.target_path)
        for where, other in folders:
            if own.is_relative_to(other) or other.is_relative_to(own):
                what = "the repository" if where == ("repository",) else "another dataset"
                yield Contradiction(place, f"{own} overlaps {other}, the place of {what}")
        folders.append((place, own))
        if dataset.name in [each.name for each in datasets[:index]]:
            yield Contradiction(("datasets", index, "name"), f"{dataset.name} is given twice")
    disks = [(PurePosixPath(each.mount_point), each.is_in_image) for each in volumes]
    if instance_store:
        disks.append((PurePosixPath(instance_store.mount_point), False))
    for place, folder in folders:
        yield from find_lost(disks, place, folder)


def find_lost(
    disks: Sequence[tuple[PurePosixPath, bool]], place: FieldPath, folder: PurePosixPath
) -> Iterator[Contradiction]:
    """Check that a folder is on a disk in the image; `disks` are mount points and `is_in_image`."""
    under = [disk for disk in disks if folder.is_relative_to(disk[0])]
    mount_point, is_in_image = max(under, key=lambda disk: len(disk[0].parts), default=("", True))
    if not is_in_image:
        text = f"{folder} is on the disk at {mount_point}, which the image does not include"
        yield Contradiction(place, text)
    elif folder == mount_point:
        advice = f"name a file or folder on it, or write {folder}/ to keep the source's name"
        if place == ("repository",):
            advice = "clone into a folder on it"
        yield Contradiction(place, f"{folder} is a disk's mount_point; {advice}")


def find_in_notebook(notebook: Notebook, repository: Repository | None) -> Iterator[Contradiction]:
    """Check that a notebook's path has a repository, and its other fields a path."""
    for field in ("path", "working_directory"):
        if getattr(notebook, field) and not repository:
            text = f"notebook.{field} needs a repository to find it in"
            yield Contradiction(("notebook", field), text, by_absence=True)
    if notebook.path:
        return
    for field in ("working_directory", "parameters", "verdict"):
        if getattr(notebook, field) and (repository or field != "working_directory"):
            text = "would be ignored, as notebook.path names no notebook of yours"
            yield Contradiction(("notebook", field), text, by_absence=True)


def find_in_tags(tags: Mapping[str, str]) -> Iterator[Contradiction]:
    """Check the tags against EC2's limits, minus notebake's own tags."""
    if len(tags) > MAX_TAGS:
        text = f"at most {MAX_TAGS} tags, these are {len(tags)}"
        yield Contradiction(("tags",), text)
    for key, value in tags.items():
        if not key.strip() or len(key) > MAX_TAG_KEY:
            text = f"a tag's key has 1 to {MAX_TAG_KEY} characters"
            yield Contradiction(("tags", key), text)
        if len(value) > MAX_TAG_VALUE:
            text = f"a tag's value has at most {MAX_TAG_VALUE} characters"
            yield Contradiction(("tags", key), text)
        prefix = next((each for each in RESERVED_TAG_PREFIXES if key.lower().startswith(each)), "")
        if prefix:
            yield Contradiction(("tags", key), f"keys that begin with {prefix} are reserved")
