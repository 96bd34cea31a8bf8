"""The pointer says which image of a recipe is current, and all else follows it."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from notebake.aws import tags
from notebake.aws.image_parameter import parameter_of
from notebake.errors import CloudError, NotebakeError, WrongAccountError
from notebake.images.pointer import (
    NotPromotableError,
    PointerHeldError,
    PointerMovedError,
    move_pointer,
    read_pointer,
    release,
    roll_back,
)
from notebake.images.pointer_mover import PointerMover
from notebake.images.revoke import revoke
from notebake.ledger import kinds
from notebake.ledger.chain import Chain, Writer
from notebake.ledger.verify import verify_run
from notebake.runs.checkpoints import make_checkpoint
from notebake.runs.reserved_ids import POINTER_LOG
from notebake.runs.run_record import record_place
from tests.cloud_world import REGION, RefusedCall
from tests.pointer_world import NAME, RECIPE, PointerWorld, pointer_world

OTHER = RECIPE.model_copy(update={"name": "tides"})


@pytest.fixture(params=["directory", "s3"])
def everywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PointerWorld]:
    with pointer_world(tmp_path, is_remote=request.param == "s3") as opened:
        yield opened


@pytest.fixture
def here(tmp_path: Path) -> Iterator[PointerWorld]:
    with pointer_world(tmp_path) as opened:
        yield opened


def current(world: PointerWorld) -> str:
    """Return which image is current; all that follows must say the same."""
    pointer = read_pointer(NAME, REGION, world.store)
    image_id = pointer.image_id if pointer else ""
    assert world.named() == image_id
    assert list(world.marked()) == [image_id] * bool(image_id)
    assert pointer is None or pointer.moving is None
    return image_id


def log_kinds(world: PointerWorld) -> list[str]:
    chain = Chain(record_place(world.location), POINTER_LOG, Writer())
    assert verify_run(record_place(world.location), POINTER_LOG).findings == ()
    return [entry.kind for entry in chain.entries()]


def test_a_move_is_recorded_first_and_all_else_follows(everywhere: PointerWorld) -> None:
    run, image = everywhere.bake()

    pointer = move_pointer(run, image)

    assert (pointer.image_id, pointer.run_id, pointer.is_held) == (image.id, run.id, False)
    assert current(everywhere) == image.id
    assert read_pointer(NAME, REGION, everywhere.store) == pointer
    found = log_kinds(everywhere)
    assert (found[0], found[-1]) == (kinds.MOVING, kinds.MOVED)
    assert found.index(kinds.SENT) > 0, "the calls to AWS are in the log, after what they are for"


def test_to_move_it_again_changes_nothing(here: PointerWorld) -> None:
    run, image = here.bake()
    first = move_pointer(run, image)
    before = len(log_kinds(here))

    assert move_pointer(run, image) == first
    assert len(log_kinds(here)) == before


def test_the_next_image_takes_its_place(everywhere: PointerWorld) -> None:
    images = []
    for _ in range(3):
        run, image = everywhere.bake()
        move_pointer(run, image)
        images.append(image.id)

    assert current(everywhere) == images[-1]
    pointer = read_pointer(NAME, REGION, everywhere.store)
    assert pointer
    assert [each.image_id for each in pointer.previous] == images[:-1]


def test_recipes_have_pointers_of_their_own(here: PointerWorld) -> None:
    run, image = here.bake()
    other_run, other = here.bake(recipe=OTHER)

    move_pointer(run, image)
    move_pointer(other_run, other)

    assert [*here.marked(), *here.marked(OTHER.name)] == [image.id, other.id]
    assert here.named() == image.id
    assert read_pointer("none", REGION, here.store) is None


def unaccepted(world: PointerWorld) -> str:
    run, image = world.bake(is_accepted=False)
    return refused(lambda: move_pointer(run, image))


def not_in_the_record(world: PointerWorld) -> str:
    run, image = world.bake(is_in_record=False)
    return refused(lambda: move_pointer(run, image))


def of_another_recipe(world: PointerWorld) -> str:
    run, _ = world.bake()
    _, image = world.bake(recipe=OTHER)
    return refused(lambda: move_pointer(run, image))


def of_another_run(world: PointerWorld) -> str:
    run, _ = world.bake()
    _, image = world.bake()
    return refused(lambda: move_pointer(run, image))


def disabled(world: PointerWorld) -> str:
    run, image = world.bake()
    world.world.ec2.disable_image(ImageId=image.id)
    return refused(lambda: move_pointer(run, image))


def gone(world: PointerWorld) -> str:
    run, image = world.bake()
    world.world.ec2.deregister_image(ImageId=image.id)
    return refused(lambda: move_pointer(run, image))


def revoked(world: PointerWorld) -> str:
    run, image = world.bake()
    revoke(image.id, REGION, world.store, reason="a leaked key")
    return refused(lambda: move_pointer(run, image))


def refused(move: Callable[[], object]) -> str:
    with pytest.raises(NotPromotableError) as caught:
        move()
    return str(caught.value)


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (unaccepted, "it is not accepted"),
        (not_in_the_record, "does not have it as accepted"),
        (of_another_recipe, "of the recipe tides"),
        (of_another_run, "of the run"),
        (disabled, "EC2 says that it is disabled"),
        (gone, "no such image"),
        (revoked, "it was revoked: a leaked key"),
    ],
    ids=lambda case: getattr(case, "__name__", ""),
)
def test_no_other_image_becomes_current(
    here: PointerWorld, case: Callable[[PointerWorld], str], said: str
) -> None:
    run, image = here.bake()
    move_pointer(run, image)

    assert said in case(here)

    assert current(here) == image.id


def test_an_image_of_another_account_does_not_become_current(here: PointerWorld) -> None:
    run, image = here.bake()
    account = b'{"id": "210987654321", "partition": "aws"}'
    here.store.write(f"{run.id}/account.json", account)

    with pytest.raises(WrongAccountError):
        move_pointer(run, image)

    assert current(here) == ""


def test_of_two_movers_at_once_one_wins(everywhere: PointerWorld) -> None:
    move_pointer(*everywhere.bake())
    both = [everywhere.bake() for _ in range(2)]
    start = threading.Barrier(2)
    failures: list[NotebakeError] = []

    def move(number: int) -> None:
        start.wait()
        try:
            move_pointer(*both[number])
        except PointerMovedError as error:
            failures.append(error)

    threads = [threading.Thread(target=move, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(failures) < 2
    pointer = read_pointer(NAME, REGION, everywhere.store)
    assert pointer
    assert pointer.image_id in {image.id for _, image in both}
    move_pointer(*next(each for each in both if each[1].id == pointer.image_id))
    assert current(everywhere) == pointer.image_id


@pytest.mark.parametrize("has_current", [True, False])
def test_an_image_that_aws_does_not_take_is_never_current(
    here: PointerWorld, has_current: bool
) -> None:
    old = ""
    if has_current:
        run, image = here.bake()
        old = move_pointer(run, image).image_id
    run, image = here.bake()
    faults = here.world.sandbox.cloud.faults
    failed = here.world.sandbox.fail("fail", service="ssm", action="PutParameter")

    with pytest.raises(PointerHeldError, match="did not take") as caught:
        move_pointer(run, image)

    assert here.world.sandbox.fired(failed) >= 1
    faults.remove(failed)
    assert f"notebake promote {image.id}" in str(caught.value)
    pointer = read_pointer(NAME, REGION, here.store)
    assert pointer
    assert pointer.is_held
    assert image.id in pointer.reason
    assert current(here) == old
    with pytest.raises(PointerHeldError, match="is held"):
        move_pointer(*here.bake())
    assert current(here) == old
    move_pointer(run, image, releases_hold=True)
    assert current(here) == image.id


def test_a_slow_check_is_waited_for(here: PointerWorld) -> None:
    run, image = here.bake()
    here.world.sandbox.fail("slow", service="ssm", action="PutParameter", seconds=1, times=1)

    move_pointer(run, image)

    assert current(here) == image.id


def test_without_the_permission_nothing_moves(here: PointerWorld) -> None:
    old = move_pointer(*here.bake()).image_id
    run, image = here.bake()
    with (
        here.world.intercepting(RefusedCall("PutParameter", "AccessDeniedException", status=400)),
        pytest.raises(CloudError, match=parameter_of(NAME)),
    ):
        move_pointer(run, image)

    assert current(here) == old
    pointer = read_pointer(NAME, REGION, here.store)
    assert pointer
    assert not pointer.is_held
    move_pointer(run, image)
    assert current(here) == image.id


@pytest.mark.parametrize("is_killed", [False, True])
def test_without_the_permission_a_hold_stays(
    here: PointerWorld, monkeypatch: pytest.MonkeyPatch, *, is_killed: bool
) -> None:
    first, second = here.bake(), here.bake()
    for each in (first, second):
        move_pointer(*each)
    roll_back(NAME, REGION, here.store, reason="wrong numbers")
    run, image = here.bake()
    if is_killed:
        with monkeypatch.context() as killed:
            killed.setattr(PointerMover, "_carry_out", Mock(side_effect=KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                move_pointer(run, image, releases_hold=True)

    with (
        here.world.intercepting(RefusedCall("PutParameter", "AccessDeniedException", status=400)),
        pytest.raises(CloudError, match=parameter_of(NAME)),
    ):
        move_pointer(run, image, releases_hold=True)

    assert current(here) == first[1].id
    pointer = read_pointer(NAME, REGION, here.store)
    assert pointer
    assert (pointer.is_held, pointer.reason) == (True, "wrong numbers")
    with pytest.raises(PointerHeldError):
        move_pointer(*second)
    assert not move_pointer(run, image, releases_hold=True).is_held
    assert current(here) == image.id


def test_a_parameter_that_somebody_changed_is_repaired(here: PointerWorld) -> None:
    run, image = here.bake()
    move_pointer(run, image)
    _, other = here.bake()
    here.ssm.put_parameter(
        Name=parameter_of(NAME), Value=other.id, DataType="aws:ec2:image", Overwrite=True
    )
    here.world.sandbox.advance(60)
    here.world.ec2.create_tags(Resources=[other.id], Tags=tags.as_list({tags.CURRENT: "yes"}))
    assert here.named() == other.id

    move_pointer(run, image)

    assert current(here) == image.id


def test_a_rollback_is_held_whatever_promoters_do(everywhere: PointerWorld) -> None:
    first, second = everywhere.bake(), everywhere.bake()
    for each in (first, second):
        move_pointer(*each)

    pointer = roll_back(NAME, REGION, everywhere.store, reason="wrong numbers")

    assert (pointer.image_id, pointer.is_held) == (first[1].id, True)
    for _ in range(3):
        with pytest.raises(PointerHeldError, match="wrong numbers"):
            move_pointer(*everywhere.bake())
    assert current(everywhere) == first[1].id
    release(NAME, REGION, everywhere.store)
    move_pointer(*second)
    assert current(everywhere) == second[1].id


def test_each_rollback_goes_one_step_back_past_what_may_not_be_current(here: PointerWorld) -> None:
    baked = [here.bake() for _ in range(4)]
    for each in baked:
        move_pointer(*each)
    revoke(baked[2][1].id, REGION, here.store, reason="a leaked key")

    assert roll_back(NAME, REGION, here.store, reason="x").image_id == baked[1][1].id
    assert roll_back(NAME, REGION, here.store, reason="x").image_id == baked[0][1].id
    with pytest.raises(NotPromotableError, match="no earlier image of ocean"):
        roll_back(NAME, REGION, here.store, reason="x")
    assert current(here) == baked[0][1].id


def test_a_rollback_takes_few_calls(here: PointerWorld) -> None:
    for _ in range(2):
        move_pointer(*here.bake())
    before = len(here.world.actions())

    roll_back(NAME, REGION, here.store, reason="x")

    changing = {"PutParameter", "CreateTags"}
    calls = here.world.actions()[before:]
    assert len([call for call in calls if call in changing]) == 3
    assert len([call for call in calls if call != "GetParameter"]) <= 14


def test_checkpoints_cover_the_log(here: PointerWorld) -> None:
    move_pointer(*here.bake())

    checkpoint = make_checkpoint(here.location)

    assert POINTER_LOG in {leaf.run for leaf in checkpoint.leaves}
