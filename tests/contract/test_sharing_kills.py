"""A share, its end and a copy that are killed at every point, and typed again."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from notebake.images.copying.carry_out import CopyFailedError
from notebake.images.copying.carry_out import carry_out as carry_copy_out
from notebake.images.copying.plan import plan_copy
from notebake.images.sharing.carry_out import carry_out
from notebake.images.sharing.plan import plan_share, plan_unshare
from notebake.ledger.verify import verify_run
from notebake.runs.reserved_ids import POINTER_LOG
from notebake.runs.run_record import record_place
from tests.cloud_world import REGION
from tests.draw import is_drawn
from tests.pointer_world import PointerWorld, pointer_world
from tests.sharing_world import (
    FRIEND,
    ORGANIZATION,
    THERE,
    bake,
    copies_in,
    permissions,
    readers,
    snapshots_in,
)
from tests.stopping_points import Killed, Points, stopping

POINTS = 90
"""More than any of them has points at which a process can be killed."""
ALWAYS, SHARE = (9, 14), 0.08
RECIPIENTS = (FRIEND, ORGANIZATION)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PointerWorld]:
    with pointer_world(tmp_path) as opened:
        yield opened


def points_of_the_day(what: str) -> list[int]:
    """Return at which points a process is killed today."""
    drawn = (at for at in range(1, POINTS) if is_drawn(f"{what} {at}", SHARE))
    return sorted({*ALWAYS, *drawn})


def kill() -> None:
    raise Killed


def share(world: PointerWorld, image_id: str) -> None:
    carry_out(plan_share(image_id, REGION, RECIPIENTS, world.store, may_copy=True), world.store)


def unshare(world: PointerWorld, image_id: str) -> None:
    carry_out(plan_unshare(image_id, REGION, RECIPIENTS, world.store), world.store)


def copy(world: PointerWorld, image_id: str) -> None:
    carry_copy_out(plan_copy(image_id, REGION, THERE, world.store), world.store)


def copy_if_it_does_not_fail(world: PointerWorld, image_id: str) -> None:
    with suppress(CopyFailedError):
        copy(world, image_id)


def ends_of(world: PointerWorld, image_id: str) -> list[str]:
    """Return how the acts on an image have ended, by the log, which is verified."""
    place = record_place(world.location)
    assert verify_run(place, POINTER_LOG).findings == ()
    entries = [json.loads(content) for content in place.read_below(POINTER_LOG).values()]
    return [
        entry["body"]["outcome"]
        for entry in entries
        if entry["kind"] in ("shared", "copied") and entry["body"]["image"] == image_id
    ]


@pytest.mark.parametrize("act", [share, unshare])
def test_a_share_that_is_killed_is_finished_by_the_next_one(
    act: Callable[[PointerWorld, str], None],
    world: PointerWorld,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    killed = 0
    for at in points_of_the_day(act.__name__):
        image = bake(world)[1]
        if act is unshare:
            share(world, image.id)
        points = Points(at, kill)
        with stopping(points, monkeypatch):
            try:
                act(world, image.id)
            except Killed:
                killed += 1
        where = f"{act.__name__}, killed {points.passed[-1]}, at {at}"

        act(world, image.id)

        wanted = [{"UserId": FRIEND}, {"OrganizationArn": ORGANIZATION}] if act is share else []
        found = permissions(image.id)
        assert sorted(map(str, found)) == sorted(map(str, wanted)), where
        of_snapshots = {FRIEND} if act is share else set()
        assert readers(image) == [of_snapshots, of_snapshots], where
        assert ends_of(world, image.id)[-1] in ("done", "already"), where
    assert killed


def test_a_copy_that_is_killed_is_finished_by_the_next_one_and_there_is_no_second(
    world: PointerWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = 0
    for number, at in enumerate(points_of_the_day("copy"), start=1):
        image = bake(world)[1]
        points = Points(at, kill)
        with stopping(points, monkeypatch, (REGION, THERE)):
            try:
                copy(world, image.id)
            except Killed:
                killed += 1
        where = f"killed {points.passed[-1]}, at {at}"

        copy(world, image.id)

        copies = copies_in(world)
        assert len(copies) == number, where
        used = {snapshot_id for each in copies for snapshot_id in each.snapshot_ids}
        assert snapshots_in(world) == used, where
        assert ends_of(world, image.id)[-1] in ("done", "already"), where
    assert killed


def test_a_failed_copy_whose_removal_is_killed_leaves_no_orphan(
    world: PointerWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed, failed = 0, 0
    for at in points_of_the_day("failed copy"):
        image = bake(world)[1]
        failing = world.world.sandbox.fail("fail", action="CopyImage", times=1)
        points = Points(at, kill)
        with stopping(points, monkeypatch, (REGION, THERE)):
            try:
                copy_if_it_does_not_fail(world, image.id)
            except Killed:
                killed += 1
        where = f"killed {points.passed[-1]}, at {at}"
        failed += world.world.sandbox.fired(failing)

        for _ in range(2):
            # If the copy had not begun, it fails only now.
            copy_if_it_does_not_fail(world, image.id)

        of_image = [each for each in copies_in(world) if each.source_image_id == image.id]
        assert [each.state for each in of_image] == ["available"], where
        used = {snapshot_id for each in copies_in(world) for snapshot_id in each.snapshot_ids}
        assert snapshots_in(world) == used, where
    assert killed
    assert failed
