"""The contract of every step that makes something in EC2: find, make once, undo."""

from contextlib import ExitStack

import pytest

from notebake.aws import tagging, tags
from notebake.aws.inventory import list_resources
from notebake.errors import CloudError
from notebake.images import run_image
from notebake.runbook.step import Step, carry_out
from tests.cloud_steps import (
    CLOUD_STEPS,
    carry_out_before,
    step_named,
    undo_all,
    wait_until_settled,
)
from tests.cloud_world import REGION, CloudWorld, LostAnswer, RefusedCall, result_ids

CLOCK_TIMES = 300
MADE_BY = {
    "import_key_pair": "ImportKeyPair",
    "open_ssh": "CreateSecurityGroup",
    "launch_instance": "RunInstances",
    "request_image": "CreateImage",
    "launch_acceptance": "RunInstances",
}
_OPEN = ["key pair", "security group"]
_MACHINE = ["instance", "network interface", "volume", "volume"]
_BAKED = [*_OPEN, *_MACHINE, "image", "snapshot", "snapshot"]
THERE_AFTER = {
    "import_key_pair": ["key pair"],
    "open_ssh": _OPEN,
    "launch_instance": [*_OPEN, *_MACHINE],
    "request_image": _BAKED,
    "launch_acceptance": [*_BAKED, *_MACHINE, *_MACHINE, "key pair"],
}
AT_ONCE = {"launch_acceptance": 2}
"""How many calls a step sends side by side."""
TRIES = 5
"""How often botocore asks before it gives up; see notebake/aws/clients.py."""


@pytest.mark.parametrize("step", CLOUD_STEPS, ids=lambda step: step.name)
def test_a_step_keeps_its_contract(world: CloudWorld, step: Step) -> None:
    run, other = world.new_run(), world.new_run()
    carry_out_before(run, step.name)
    with ExitStack() as stack:
        if step.name == "wait_for_image":
            undo_all(run)
            carry_out_before(run, "request_image")
            stack.enter_context(world.sandbox.machines.held())
            carry_out(step_named("request_image"), run)
        assert step.find(run) is None

    made = step.make(run)
    wait_until_settled(run)

    assert result_ids(step.find(run)) == result_ids(made) != []
    assert result_ids(step.make(run)) == result_ids(made), (
        "a second make must not make a second one"
    )
    again = carry_out(step, run)
    assert again.was_there
    assert result_ids(again.result) == result_ids(made)
    assert step.find(other) is None, "runs must not see each other's things"

    if step.undo:
        step.undo(run)
        assert step.find(run) is None
        step.undo(run)
    undo_all(run)
    assert list_resources(REGION) == []
    assert not world.sandbox.machines.running()
    assert not world.sandbox.machines.volumes


@pytest.mark.parametrize("name", MADE_BY)
@pytest.mark.parametrize("is_for_good", [False, True], ids=["once", "for good"])
def test_a_lost_answer_creates_nothing_twice(
    world: CloudWorld, name: str, *, is_for_good: bool
) -> None:
    run = world.new_run()
    carry_out_before(run, name)
    step = step_named(name)

    with world.intercepting(LostAnswer(MADE_BY[name], 9999 if is_for_good else 1)) as loses:
        if is_for_good:
            with pytest.raises(CloudError, match="answered InternalError"):
                step.make(run)
        else:
            step.make(run)
    made = step.make(run)
    wait_until_settled(run)

    assert loses.fired >= TRIES if is_for_good else loses.fired == 1
    assert result_ids(step.find(run)) == result_ids(made)
    assert kinds_of_run(run.id) == sorted(THERE_AFTER[name])


@pytest.mark.parametrize("name", MADE_BY)
def test_a_refused_step_changes_nothing(world: CloudWorld, name: str) -> None:
    run = world.new_run()
    carry_out_before(run, name)
    before = kinds_of_run(run.id)

    refusal = RefusedCall(MADE_BY[name], "UnauthorizedOperation", status=403)
    with (
        world.intercepting(refusal),
        pytest.raises(Exception, match="answered UnauthorizedOperation") as caught,
    ):
        carry_out(step_named(name), run)

    assert refusal.fired == AT_ONCE.get(name, 1)
    assert getattr(caught.value, "hint", "")
    after = kinds_of_run(run.id)
    # The second key pair stands before the machines that it is for.
    assert [kind for kind in after if kind != "key pair"] == [
        kind for kind in before if kind != "key pair"
    ]


def kinds_of_run(run_id: str) -> list[str]:
    """Return what kinds of things a run has, each as often as it is there."""
    return sorted(resource.kind for resource in list_resources(REGION, run_id))


def test_a_run_with_an_accepted_image_needs_no_ssh_access(world: CloudWorld) -> None:
    run = world.new_run()
    carry_out_before(run, "launch_acceptance")
    image = run_image.find_image(run)
    assert image is not None
    tagging.add_tags(REGION, [image.id], {tags.ACCEPTED: "2026-11-23"})
    for name in ("launch_instance", "open_ssh", "import_key_pair"):
        step = step_named(name)
        assert step.undo is not None
        step.undo(run)

    for name in ("import_key_pair", "open_ssh", "launch_instance"):
        assert carry_out(step_named(name), run).was_there, f"{name} makes nothing"
    assert {resource.kind for resource in list_resources(REGION, run.id)} == {"image", "snapshot"}
