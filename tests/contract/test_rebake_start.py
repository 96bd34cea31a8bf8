"""From which image a rebake starts: the image before, or the base image and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from notebake.images.pointer import move_pointer
from notebake.images.rebake.begin import begin_rebake
from notebake.images.rebake.start import Start, choose_start
from notebake.images.revoke import revoke
from notebake.images.updates.base_image import check_base_image
from notebake.images.updates.current import CurrentImage, find_current
from notebake.images.updates.finding import Cause, CauseFinding, State
from notebake.images.updates.update_check import CAUSES, UpdateCheck
from notebake.machines.block_devices import disks_of_builder
from notebake.preflight.base_image import check_base_image as check_start_image
from notebake.preflight.disks import check_disks
from notebake.recipe import Dataset, PreviousImage, Rebake, Recipe, Software, Volume
from notebake.runbook.plan import step_digest
from notebake.runs.registry import load_run, update_recipe
from notebake.runs.run import Run
from notebake.timestamps import parse_timestamp
from sandbox.ec2.model import BlockDevice, Snapshot
from tests.cloud_world import REGION
from tests.pointer_world import PointerWorld, pointer_world

BASE = "ami-0aaaaaaaaaaaaaaaa"
DATA = Volume(name="data", mount_point="/data", size_gib=1)
OWN = Volume(name="own", mount_point="/own", volume_id="vol-0123456789abcdef0")
SCRATCH = Volume(name="scratch", mount_point="/scratch", size_gib=1, in_image=False)
POLICY = Rebake(on=("base", "direct"), generations=2)
RECIPE = Recipe(name="ocean", volumes=(SCRATCH, DATA), rebake=POLICY)
SNAPSHOT = "snap-0123456789abcdef0"


@dataclass
class Kept:
    """An accepted image with the snapshot of a data disk, as a rebake finds it."""

    world: PointerWorld
    recipe: Recipe = RECIPE

    def bake(self, *, recipe: Recipe = RECIPE, devices: tuple[str, ...] = ("/dev/sdg",)) -> str:
        _, image = self.world.bake(recipe=recipe, base=BASE)
        region = self.world.world.sandbox.cloud.region(REGION)
        for device in devices:
            disk = BlockDevice(device, size_gib=1, snapshot_id=SNAPSHOT)
            region.images[image.id].mapping.append(disk)
        region.snapshots[SNAPSHOT] = Snapshot(
            id=SNAPSHOT,
            owner_id=region.account_id,
            volume_id="vol-ffffffff",
            size_gib=1,
            start_time=region.now(),
            state="completed",
        )
        return image.id

    @property
    def current(self) -> CurrentImage:
        found = find_current("ocean", REGION, self.world.location)
        assert found
        return found

    def start(self, check: UpdateCheck | None = None, recipe: Recipe = RECIPE) -> Start:
        return choose_start(recipe, check or found(), self.current, self.world.store)


def found(cause: Cause = "direct", state: State = "changed", reason: str = "") -> UpdateCheck:
    """Return a check that has found one thing."""
    return UpdateCheck(
        recipe="ocean",
        region=REGION,
        checked=parse_timestamp("2026-11-30T12:00:00Z"),
        findings=tuple(
            CauseFinding(cause=each, state=state, reason=reason)
            if each == cause
            else CauseFinding(cause=each, state="unchanged")
            for each in CAUSES
        ),
    )


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    with pointer_world(tmp_path) as world:
        yield Kept(world)


def test_a_rebake_starts_from_the_image_before_with_its_disks(kept: Kept) -> None:
    image_id = kept.bake()

    start = kept.start()

    assert start.previous == PreviousImage(
        image_id=image_id,
        run_id=kept.current.run_id,
        generation=1,
        first_base=BASE,
        snapshots={"data": SNAPSHOT},
    )
    assert start.reason == f"from {image_id}, the image before (1 of at most 2 in a row)"


def test_a_row_of_rebakes_ends_with_the_base(kept: Kept) -> None:
    seen = []
    recipe = RECIPE
    for _ in range(4):
        kept.bake(recipe=recipe)
        start = kept.start()
        seen.append((start.previous and start.previous.generation, start.reason[:60]))
        rebake = POLICY.model_copy(update={"previous": start.previous})
        recipe = RECIPE.model_copy(update={"rebake": rebake})
        assert not start.previous or start.previous.first_base == BASE

    assert [generation for generation, _ in seen] == [1, 2, None, 1]
    assert seen[2][1] == "from the base image: 2 in a row started from the image befor"


AGAINST: dict[str, tuple[UpdateCheck, str]] = {
    "the base counts": (found("base image"), "changed: base image"),
    "data": (found("data"), "changed: data"),
    "data not asked": (
        found("data", "not checked", "No answer."),
        "data cannot be asked: No answer.",
    ),
}


@pytest.mark.parametrize("name", AGAINST)
def test_what_no_step_brings_up_to_date_in_its_place_needs_the_base(name: str, kept: Kept) -> None:
    kept.bake()
    check, reason = AGAINST[name]

    assert kept.start(check) == Start(reason=f"from the base image: {reason}")


def test_what_the_policy_does_not_count_is_not_against_it(kept: Kept) -> None:
    kept.bake()

    for cause in ("tools", "recipe", "security", "system", "transitive", "repository"):
        assert kept.start(found(cause)).previous, cause


RECIPES: dict[str, dict[str, Any]] = {
    "a disk more": {"volumes": (SCRATCH, DATA, DATA.model_copy(update={"name": "more"}))},
    "a package of the distribution": {"software": Software(apt=("git-lfs",))},
    "a dataset": {"datasets": (Dataset(name="a", source="https://h/f", path="/f"),)},
    "another disk's size": {"root_volume": RECIPE.root_volume.model_copy(update={"size_gib": 9})},
}


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_of_which_something_would_stay_needs_the_base(name: str, kept: Kept) -> None:
    kept.bake()
    changed = RECIPE.model_copy(update=RECIPES[name])

    start = kept.start(recipe=changed)

    assert start.previous is None
    assert start.reason.startswith("from the base image: the recipe's disks, datasets, clone")


def test_other_packages_of_python_start_from_the_image_before(kept: Kept) -> None:
    kept.bake()

    software = Software(packages=("xarray",))
    assert kept.start(recipe=RECIPE.model_copy(update={"software": software})).previous


def test_a_revoked_image_is_no_start(kept: Kept) -> None:
    image_id = kept.bake()
    revoke(image_id, REGION, kept.world.store, reason="a broken library")

    reason = f"{image_id} is no base, as it was revoked: a broken library"
    assert kept.start() == Start(reason=f"from the base image: {reason}")


def test_an_image_that_was_rolled_back_is_no_start(kept: Kept) -> None:
    run, image = kept.world.bake(recipe=RECIPE, base=BASE)
    move_pointer(run, image)
    newer = kept.bake()

    reason = f"{newer} is not the current image, which is {image.id}"
    assert kept.current.image_id == newer
    assert kept.start() == Start(reason=f"from the base image: {reason}")


def test_an_image_that_lacks_a_disk_is_no_start(kept: Kept) -> None:
    image_id = kept.bake(devices=())

    assert kept.start() == Start(reason=f"from the base image: {image_id} has no snapshot of data")


def test_an_image_that_is_gone_is_no_start(kept: Kept) -> None:
    image_id = kept.bake()
    kept.world.world.ec2.deregister_image(ImageId=image_id)

    assert kept.start() == Start(reason=f"from the base image: {image_id} is not there")


def test_an_image_whose_recipe_cannot_be_read_is_no_start(kept: Kept) -> None:
    kept.bake()
    current = kept.current
    store = kept.world.store
    (recipe,) = store.list(f"{current.run_id}/recipes/")
    stored = store.read(recipe)
    assert stored
    store.replace(recipe, b"name: ocean\nof_another_version: yes\n", version=stored.version)
    start = kept.start()
    assert start.previous is None
    assert "from the base image: the recipe of run" in start.reason


def test_an_attached_volume_that_the_image_copies_needs_the_base(kept: Kept) -> None:
    own = OWN.model_copy(update={"in_image": True})
    recipe = RECIPE.model_copy(update={"volumes": (own,)})
    kept.bake(recipe=recipe)

    assert "an existing volume is attached" in kept.start(recipe=recipe).reason


def test_without_generations_nothing_is_asked_or_said(kept: Kept) -> None:
    kept.bake()
    recipe = RECIPE.model_copy(update={"rebake": Rebake()})
    before = len(kept.world.world.actions())

    assert kept.start(recipe=recipe) == Start()
    assert kept.world.world.actions()[before:] == []


def begin(kept: Kept) -> Run:
    """Return the run of a rebake that starts from the image before."""
    run = begin_rebake(
        RECIPE,
        "ocean.yaml",
        kept.world.store,
        flow_run_id="f-1",
        reason="changed",
        previous_run_id=kept.current.run_id,
        start=kept.start(),
    )
    assert load_run(run.id, kept.world.store).recipe == run.recipe
    return run


def test_the_builder_is_launched_from_it_and_blank_disks_stay_blank(kept: Kept) -> None:
    image_id = kept.bake()

    recipe = begin(kept).recipe

    assert recipe.start_image.image_id == image_id
    assert recipe.base_image == RECIPE.base_image
    disks = {disk["DeviceName"]: disk["Ebs"] for disk in disks_of_builder(recipe, "/dev/sda1")}
    assert disks["/dev/sdg"]["SnapshotId"] == SNAPSHOT
    assert "SnapshotId" not in disks["/dev/sdf"]
    for step in ("launch_instance", "install_software", "clean_host"):
        assert step_digest(recipe, step) != step_digest(RECIPE, step), "no marker of before counts"


def test_preflight_looks_at_the_image_before_and_its_snapshots(kept: Kept) -> None:
    image_id = kept.bake()
    run = begin(kept)

    said = [finding.sentence for finding in (*check_start_image(run), *check_disks(run))]

    assert any(image_id in sentence for sentence in said)
    assert f"{SNAPSHOT} is complete." in said


def test_the_base_of_the_row_is_what_a_check_compares(kept: Kept) -> None:
    kept.bake()
    recipe = begin(kept).recipe
    _, second = kept.world.bake(recipe=recipe, base=kept.current.image_id)
    assert kept.current.image_id == second.id

    finding = check_base_image(kept.current, RECIPE)

    assert finding.changes[0].old == BASE


def test_a_corrected_recipe_keeps_the_start_unless_something_would_stay(kept: Kept) -> None:
    kept.bake()
    run = begin(kept)
    corrected = RECIPE.model_copy(update={"software": Software(packages=("xarray",))})
    kept_on = update_recipe(run, corrected)
    other = update_recipe(kept_on, corrected.model_copy(update={"volumes": (DATA,)}))

    assert kept_on.recipe.previous == run.recipe.previous
    assert kept_on.recipe.previous
    assert other.recipe.previous is None
