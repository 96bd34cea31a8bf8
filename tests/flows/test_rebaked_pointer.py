"""A rebake that is declared the promoter moves the pointer, and a hold keeps it where it is."""

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from flows import rebaked
from flows.rebaked import move_to
from notebake.aws.model import Image
from notebake.errors import NotebakeError
from notebake.images.image_state import wait_for_visible_image
from notebake.images.pointer import read_pointer, roll_back
from notebake.runs.run import Run
from tests.cloud_world import REGION
from tests.pointer_world import NAME, PointerWorld, pointer_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PointerWorld]:
    with pointer_world(tmp_path) as opened:
        yield opened


def promoted(run: Run, image: Image, monkeypatch: pytest.MonkeyPatch) -> str:
    """Move the pointer as a rebake does; EC2 finds the image of a bake by its name."""
    found = mock.create_autospec(wait_for_visible_image, return_value=image)
    monkeypatch.setattr(rebaked, "wait_for_visible_image", found)
    return move_to(run)


def current(world: PointerWorld) -> str:
    pointer = read_pointer(NAME, REGION, world.store)
    return pointer.image_id if pointer else ""


def test_an_accepted_image_becomes_the_current_one(
    world: PointerWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, image = world.bake()

    assert promoted(run, image, monkeypatch) == "; it is the current one"

    assert current(world) == world.named() == image.id


def test_three_later_rebakes_do_not_undo_a_rollback(
    world: PointerWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    baked = [world.bake() for _ in range(2)]
    for run, image in baked:
        promoted(run, image, monkeypatch)
    roll_back(NAME, REGION, world.store, reason="the colours were wrong")
    first = baked[0][1].id

    for _ in range(3):
        run, image = world.bake()
        assert "; not promoted: " in promoted(run, image, monkeypatch)

    assert current(world) == world.named() == first


def test_an_image_that_is_not_accepted_fails_the_rebake(
    world: PointerWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, image = world.bake(is_accepted=False)

    with pytest.raises(NotebakeError, match="it is not accepted"):
        promoted(run, image, monkeypatch)

    assert current(world) == ""
