"""A recipe's name means its current image, also to who may not read what the pointer says."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from notebake.images.pointer import move_pointer, roll_back
from notebake.servers.image_choice import choose_image
from tests.cloud_world import REGION
from tests.pointer_world import NAME, PointerWorld, pointer_world
from tests.preflight_world import denies


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PointerWorld]:
    with pointer_world(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("is_readable", [True, False])
def test_a_rollback_counts_with_the_parameter_and_without(
    world: PointerWorld, *, is_readable: bool
) -> None:
    first, second = world.bake(), world.bake()
    for each in (first, second):
        move_pointer(*each)
    roll_back(NAME, REGION, world.store, reason="wrong numbers")

    action = "GetParameter" if not is_readable else "none"
    with world.world.intercepting(denies(action)):
        chosen = choose_image(NAME, REGION)

    assert chosen.id == first[1].id
    assert chosen.why.startswith(f"the current image of {NAME}")


def test_where_neither_says_which_is_current_that_is_said(
    world: PointerWorld, caplog: pytest.LogCaptureFixture
) -> None:
    world.bake()
    world.world.sandbox.advance(60)
    _, newest = world.bake()

    with (
        caplog.at_level(logging.WARNING, "notebake.servers"),
        world.world.intercepting(denies("GetParameter")),
    ):
        chosen = choose_image(NAME, REGION)

    assert (chosen.id, chosen.why) == (newest.id, f"the newest accepted image of {NAME}")
    assert "ssm:GetParameter" in caplog.text
