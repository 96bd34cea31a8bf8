"""A prune that is killed at every point, and a pointer that is moved in every order beside one."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from notebake.aws import tags
from notebake.aws.names import name_of_image
from notebake.errors import NotebakeError
from notebake.images.pointer import move_pointer, read_pointer
from notebake.images.prune.marks import StoredMarks
from notebake.images.prune.pruner import pruning
from notebake.ledger.verify import verify_run
from notebake.recipe import Recipe
from notebake.runs.reserved_ids import PRUNE_LOG
from notebake.runs.run_record import record_place
from sandbox.ec2.model import new_id
from tests.cloud_world import REGION, LostAnswer
from tests.draw import is_drawn
from tests.pointer_world import Baked, PointerWorld
from tests.prune_world import OCEAN, LeavesSnapshots, PruneWorld, prune_world
from tests.stopping_points import Killed, Points, stopping

LOCK = f"prunes/{REGION}/lock.json"
POINTS = 58
"""So many points does the prune of three images pass by."""
ALWAYS, SHARE = (20, 34, 50), 0.1
MOVES = 60
"""More than a move of the pointer has points at which something can come between."""


def points_of_the_day(points: int, always: Sequence[int] = ALWAYS) -> list[int]:
    return [at for at in range(1, points + 1) if at in always or is_drawn(f"prune {at}", SHARE)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PruneWorld]:
    with prune_world(tmp_path) as opened:
        yield opened


def prune(world: PruneWorld, *recipes: Recipe) -> None:
    with pruning(REGION, world.store) as pruner:
        pruner.carry_out(pruner.make_plan(recipes or (OCEAN,)))


def kill() -> None:
    raise Killed


class Images:
    """One image in each stage, and those that must stay; all of one recipe."""

    def __init__(self, world: PruneWorld) -> None:
        self._world = world
        since = world.region.now() - timedelta(days=40)
        self.kept = [world.image(days) for days in (2, 3)]
        self.to_remove = world.image(120, deprecation_time=since)
        prune(world)
        world.advance(16)
        self.to_disable = world.image(110, deprecation_time=since)
        self.to_deprecate = world.image(100)
        self.kept.append(world.image(29))
        self.kept.append(world.image(launch_times=[world.region.now() - timedelta(days=3)]))
        self.snapshots = {
            id: world.snapshots_of(id) for id in world.region.images if id in self.ids
        }

    @property
    def ids(self) -> list[str]:
        return [*self.kept, self.to_remove, self.to_disable, self.to_deprecate]

    def check(self, where: str) -> None:
        """Check that exactly what should be done is done, and that nothing is left half-done."""
        images, snapshots = self._world.region.images, self._world.region.snapshots
        assert self.to_remove not in images, where
        assert images[self.to_disable].state == "disabled", where
        assert images[self.to_deprecate].state == "available", where
        assert images[self.to_deprecate].deprecation_time, where
        for image_id in self.kept:
            assert images[image_id].state == "available", where
            assert images[image_id].deprecation_time is None, where
        for image_id, ids in self.snapshots.items():
            assert (image_id in images) == all(id in snapshots for id in ids), where
            assert (image_id in images) == any(id in snapshots for id in ids), where
        marks = StoredMarks(REGION, self._world.store).images
        assert {id for id, mark in marks.items() if mark.disabled_at} == {self.to_disable}, where
        assert [mark for mark in marks.values() if mark.doing] == [], where
        assert verify_run(record_place(self._world.location), PRUNE_LOG).findings == (), where

    def clear(self) -> None:
        """Leave the region to the next trial."""
        for image_id in self.ids:
            self._world.region.images.pop(image_id, None)
        prune(self._world)


def test_a_prune_that_is_killed_leaves_what_the_next_one_ends(
    world: PruneWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = 0
    for at in points_of_the_day(POINTS):
        images = Images(world)
        points = Points(at, kill)
        with stopping(points, monkeypatch):
            try:
                prune(world)
            except Killed:
                killed += 1
        # A lock ends with its holder, which would be another process: tests/unit/test_run_lock.py.
        world.store.delete(LOCK)
        where = f"killed {points.passed[-1]}, at {at}"
        for image_id in images.kept:
            assert world.region.images[image_id].state == "available", where

        prune(world)

        images.check(where)
        images.clear()
    assert killed == len(points_of_the_day(POINTS))


def test_every_point_of_a_prune_is_tried_some_day(
    world: PruneWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, points = Images(world), Points(10_000, kill)

    with stopping(points, monkeypatch):
        prune(world)

    images.check("not killed")
    assert points.count == POINTS
    for name in ("EnableImageDeprecation", "DisableImage", "DeregisterImage"):
        assert f"after {name}" in points.passed


class KillAfter(Points):
    """Kills after one call of AWS."""

    def __init__(self, name: str) -> None:
        super().__init__(at=1, act=kill)
        self.name = f"after {name}"

    def pass_by(self, name: str) -> None:
        if name == self.name:
            super().pass_by(name)


def test_a_kill_while_a_killed_prune_is_ended_is_ended_too(
    world: PruneWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = Images(world)
    with stopping(KillAfter("DeregisterImage"), monkeypatch), pytest.raises(Killed):
        prune(world)
    assert images.to_remove not in world.region.images
    for at in (3, 6, 9):
        with stopping(Points(at, kill), monkeypatch), pytest.raises(Killed):
            prune(world)

    prune(world)

    images.check("killed after DeregisterImage, and again")


@pytest.mark.parametrize("lost", ["DeregisterImage", "DisableImage", "EnableImageDeprecation"])
def test_a_lost_answer_changes_nothing(world: PruneWorld, lost: str) -> None:
    images = Images(world)
    with world.world.intercepting(LostAnswer(lost, 1)) as loses:
        prune(world)

    assert loses.fired == 1
    images.check(lost)


def test_snapshots_that_a_killed_removal_has_left_are_deleted(
    world: PruneWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = Images(world)
    left = LeavesSnapshots(world, images.to_remove)
    with (
        world.world.intercepting(left),
        stopping(KillAfter("DeregisterImage"), monkeypatch),
        pytest.raises(Killed),
    ):
        prune(world)
    assert left.fired == 1
    assert set(images.snapshots[images.to_remove]) <= set(world.region.snapshots)

    prune(world)

    images.check("its snapshots were left")


def bake_old(world: PruneWorld) -> Baked:
    """Return an accepted image of the record that is due to be disabled."""
    pointers = PointerWorld(world.world, world.location)
    run, image = pointers.bake(recipe=OCEAN)
    shown, builder = world.region.images[image.id], new_id("i")
    shown.name, shown.source_instance_id = name_of_image(run.id), builder
    shown.creation_date = world.region.now() - timedelta(days=100)
    shown.deprecation_time = world.region.now() - timedelta(days=40)
    world.region.tag(image.id, {tags.BUILDER: builder})
    return run, image


def prune_beside(world: PruneWorld, _: Baked) -> None:
    prune(world)


def move_beside(_: PruneWorld, baked: Baked) -> None:
    with suppress(NotebakeError):
        move_pointer(*baked)


@pytest.mark.parametrize(
    ("does", "comes_between", "always"),
    [(move_beside, prune_beside, (4, 12)), (prune_beside, move_beside, (16, 20, 24))],
    ids=["prune beside a move", "move beside a prune"],
)
def test_of_a_prune_and_a_move_one_gives_way(
    does: Callable[[PruneWorld, Baked], None],
    comes_between: Callable[[PruneWorld, Baked], None],
    always: Sequence[int],
    world: PruneWorld,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended = set()
    for at in points_of_the_day(MOVES, always):
        recipe_images = [world.image(days) for days in (2, 3)]
        baked = bake_old(world)
        points = Points(at, partial(comes_between, world, baked))
        with stopping(points, monkeypatch):
            does(world, baked)
        where = f"at {at}, {points.passed[-1]}"
        pointer = read_pointer(OCEAN.name, REGION, world.store)
        is_current = pointer is not None and pointer.image_id == baked[1].id
        is_available = world.region.images[baked[1].id].state == "available"
        assert is_available or not is_current, where
        marks = StoredMarks(REGION, world.store).images
        assert [mark for mark in marks.values() if mark.doing] == [], where
        ended.add((is_current, is_available))
        for image_id in (*recipe_images, baked[1].id):
            world.region.images.pop(image_id)
        world.store.delete(f"pointers/{REGION}/{OCEAN.name}.json")
        prune(world)
    assert ended == {(True, True), (False, False)}
