"""From which image a rebake starts: the base image of its recipe, or the image before."""

from collections.abc import Iterator
from typing import Any

from notebake.aws.kinds import IMAGE, list_kind
from notebake.aws.volumes import device_names
from notebake.errors import RecipeError, RunStoreError
from notebake.humanize import first_line
from notebake.images.pointer_record import StoredPointer
from notebake.images.promotable import wrong_by_store
from notebake.images.rebake.decision import CAUSES
from notebake.images.updates.current import GONE, CurrentImage
from notebake.images.updates.finding import Cause
from notebake.images.updates.update_check import UpdateCheck
from notebake.recipe import PreviousImage, Recipe
from notebake.recipe.rebake import Rebake
from notebake.record import Record
from notebake.store.interface import RunStore

STAYS: tuple[Cause, ...] = ("data",)
"""Causes whose change needs the base image: what was fetched before would stay as it is."""
WHERE_THEY_COUNT: tuple[Cause, ...] = ("base image", "tools")
"""The same, unless the recipe's policy says that they are no reason to bake."""


class Start(Record):
    """Where a rebake starts, and why, in words."""

    previous: PreviousImage | None = None
    """None: from the base image."""
    reason: str = ""
    """It goes on after "starts" or "made"; empty if the recipe never asks for the image before."""


def choose_start(
    recipe: Recipe, check: UpdateCheck, current: CurrentImage | None, store: RunStore
) -> Start:
    """Return where a rebake of the current image starts.

    The image before is taken only if all that has changed since is what a step brings up to date
    in its place: packages, the environment, the clone; and only if its recipe can be read, which
    another version of notebake may have written.

    Raises:
        CloudError: EC2 does not say what the image before has.
        RunStoreError: the store failed.
    """
    policy = recipe.rebake
    if policy is None or not policy.generations:
        return Start()
    if current is None:
        return Start(reason=_from_base("there is no image before"))
    try:
        row = current.read_recipe().previous
    except (RecipeError, RunStoreError) as error:
        reason = f"the recipe of run {current.run_id} cannot be read: {first_line(error.message)}"
        return Start(reason=_from_base(reason))
    generation = row.generation + 1 if row else 1
    if generation > policy.generations:
        return Start(reason=_from_base(f"{generation - 1} in a row started from the image before"))
    if against := next(_list_against(recipe, policy, check, current, store), ""):
        return Start(reason=_from_base(against))
    found = list_kind(recipe.region, IMAGE, IMAGE.id_filter, [current.image_id])
    state = found[0]["State"] if found else GONE
    if state != "available":
        return Start(reason=_from_base(f"{current.image_id} is {state}"))
    snapshots, missing = find_snapshots(recipe, found[0])
    if missing:
        reason = f"{current.image_id} has no snapshot of {', '.join(missing)}"
        return Start(reason=_from_base(reason))
    return Start(
        previous=PreviousImage(
            image_id=current.image_id,
            run_id=current.run_id,
            generation=generation,
            first_base=current.first_base,
            snapshots=snapshots,
        ),
        reason=f"from {current.image_id}, the image before ({generation} of at most"
        f" {policy.generations} in a row)",
    )


def find_snapshots(
    recipe: Recipe, described: dict[str, Any]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the snapshots of the recipe's data disks in an image, and the volumes without one."""
    in_image = {
        str(mapping["DeviceName"]): str(mapping["Ebs"]["SnapshotId"])
        for mapping in described["BlockDeviceMappings"]
        if mapping.get("Ebs", {}).get("SnapshotId")
    }
    devices = device_names(recipe)
    wanted = [volume.name for volume in recipe.volumes if volume.is_in_image]
    found = {name: in_image[devices[name]] for name in wanted if devices[name] in in_image}
    return found, tuple(name for name in wanted if name not in found)


def _list_against(
    recipe: Recipe, policy: Rebake, check: UpdateCheck, current: CurrentImage, store: RunStore
) -> Iterator[str]:
    """Yield why the image before is no start."""
    yield from _changed(policy, check)
    if current.read_recipe().lasting != recipe.lasting:
        yield "the recipe's disks, datasets, clone or packages of the distribution are others now"
    if any(volume.volume_id and volume.is_in_image for volume in recipe.volumes):
        yield "an existing volume is attached, of which the image before holds a copy"
    if not current.first_base:
        yield f"the record of run {current.run_id} does not say from which image it started"
    if wrong := wrong_by_store(current.image_id, recipe.region, store):
        yield f"{current.image_id} is no base, as {wrong}"
    pointed = StoredPointer(recipe.name, recipe.region, store).pointer.image_id
    if pointed not in {"", current.image_id}:
        yield f"{current.image_id} is not the current image, which is {pointed}"


def _changed(policy: Rebake, check: UpdateCheck) -> Iterator[str]:
    counting = {CAUSES[cause] for cause in policy.on}
    causes = {*STAYS, *(cause for cause in WHERE_THEY_COUNT if cause in counting)}
    for finding in check.findings:
        if finding.cause in causes and finding.state == "changed":
            yield f"changed: {finding.cause}"
        elif finding.cause in causes and finding.reason:
            yield f"{finding.cause} cannot be asked: {finding.reason}"


def _from_base(reason: str) -> str:
    return f"from the base image: {reason}"
