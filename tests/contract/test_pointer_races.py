"""Two movers of one pointer, in every order, and a mover that is killed at every point."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from notebake.errors import NotebakeError
from notebake.images.pointer import (
    Pointer,
    PointerHeldError,
    PointerMovedError,
    move_pointer,
    read_pointer,
    roll_back,
)
from notebake.images.revoke import revoke
from notebake.ledger.verify import verify_run
from notebake.recipe import Recipe
from notebake.runs.reserved_ids import POINTER_LOG
from notebake.runs.run_record import record_place
from notebake.store.directory import DirectoryStore
from tests.cloud_world import REGION
from tests.draw import is_drawn
from tests.pointer_world import RECIPE, Baked, PointerWorld, pointer_world
from tests.stopping_points import Killed, Points, stopping

POINTS = 60
"""More than a move has points at which something can come between."""


ALWAYS, SHARE = 15, 0.05


def points_of_the_day() -> list[int]:
    """Return at which points something comes between today."""
    return [at for at in range(1, POINTS) if at == ALWAYS or is_drawn(f"point {at}", SHARE)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PointerWorld]:
    with pointer_world(tmp_path) as opened:
        yield opened


def recipe_of(name: str) -> Recipe:
    return RECIPE.model_copy(update={"name": name})


def pointer_of(recipe: Recipe, world: PointerWorld) -> Pointer:
    found = read_pointer(recipe.name, REGION, world.store)
    assert found
    return found


def check_consistent(recipe: Recipe, world: PointerWorld) -> str:
    """Return the current image, if all that follows the pointer says the same."""
    pointer = pointer_of(recipe, world)
    assert pointer.moving is None
    assert world.named(recipe.name) == pointer.image_id
    assert [*world.marked(recipe.name)] == [pointer.image_id]
    assert verify_run(record_place(world.location), POINTER_LOG).findings == ()
    return pointer.image_id


def promote(baked: Baked) -> None:
    move_pointer(*baked)


def go_back(baked: Baked) -> None:
    roll_back(baked[0].recipe_name, REGION, open_store_of(baked), reason="wrong numbers")


def open_store_of(baked: Baked) -> Any:
    return DirectoryStore(Path(baked[0].store))


@pytest.mark.parametrize("does", [promote, go_back])
def test_a_mover_that_is_killed_leaves_what_the_next_one_finishes(
    does: Callable[[Baked], None], world: PointerWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill() -> None:
        raise Killed

    killed = 0
    for at in points_of_the_day():
        recipe = recipe_of(f"ocean-{at}")
        old, new = world.bake(recipe=recipe), world.bake(recipe=recipe)
        move_pointer(*old)
        if does is go_back:
            move_pointer(*new)
        wanted = (old if does is go_back else new)[1].id
        points = Points(at, kill)
        with stopping(points, monkeypatch):
            try:
                does(new)
            except Killed:
                killed += 1
        where = f"{does.__name__}, killed {points.passed[-1]}, at {at}"
        left = pointer_of(recipe, world)
        assert left.image_id in {old[1].id, new[1].id}, where
        if left.moving is None and left.image_id == wanted:
            # It was over: to go back once more would be another step.
            continue

        does(new)

        assert check_consistent(recipe, world) == wanted, where
        assert pointer_of(recipe, world).is_held == (does is go_back), where
        assert len(pointer_of(recipe, world).previous) == (does is promote), where
    assert killed


def test_what_comes_after_a_kill_may_be_another_image(
    world: PointerWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill() -> None:
        raise Killed

    for at in points_of_the_day():
        recipe = recipe_of(f"ocean-{at}")
        old, new, newest = (world.bake(recipe=recipe) for _ in range(3))
        move_pointer(*old)
        with stopping(Points(at, kill), monkeypatch), suppress(Killed):
            move_pointer(*new)
        # What was begun may not be finished any more.
        revoke(new[1].id, REGION, world.store, reason="a leaked key")

        move_pointer(*newest)

        assert check_consistent(recipe, world) == newest[1].id


def another(baked: Baked, other: Baked) -> None:
    del baked
    move_pointer(*other)


def back(baked: Baked, other: Baked) -> None:
    del other
    go_back(baked)


def take_away(baked: Baked, other: Baked) -> None:
    del other
    revoke(baked[1].id, REGION, open_store_of(baked), reason="a leaked key")


@pytest.mark.parametrize("comes_between", [another, back, take_away])
def test_in_every_order_one_wins(
    comes_between: Callable[[Baked, Baked], None],
    world: PointerWorld,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost = 0
    for at in points_of_the_day():
        recipe = recipe_of(f"ocean-{at}")
        first, old, new, other = (world.bake(recipe=recipe) for _ in range(4))
        move_pointer(*first)
        move_pointer(*old)
        points = Points(at, partial(comes_between, new, other))
        error: NotebakeError | None = None
        with stopping(points, monkeypatch):
            try:
                move_pointer(*new)
            except NotebakeError as raised:
                error = raised
        where = f"{comes_between.__name__} at {at}, {points.passed[-1]}: {error}"

        try:
            current = check_consistent(recipe, world)
        except AssertionError as wrong:
            raise AssertionError(where) from wrong
        lost += error is not None
        if points.count < at:
            assert (current, error) == (new[1].id, None), where
        elif comes_between is another:
            assert current == other[1].id or (current, error) == (new[1].id, None), where
            assert error is None or isinstance(error, PointerMovedError), where
        elif comes_between is back:
            assert pointer_of(recipe, world).is_held, where
            assert current in {old[1].id, first[1].id}, where
            assert error is None or isinstance(error, PointerHeldError | PointerMovedError), where
        else:
            assert (current == new[1].id) == (error is None), where
    assert lost
