"""The leases of all resources of a run are renewed together; what is not renewed expires."""

import datetime
import logging
import threading
from contextlib import nullcontext
from inspect import unwrap
from unittest import mock

import pytest

from flows import build_image
from notebake import clock
from notebake.aws import schedules, tags
from notebake.aws.model import Resource
from notebake.clock import RealClock
from notebake.errors import PreflightError
from notebake.machines.renewal import renew, renewing
from notebake.resources import stack_instances
from notebake.runbook.step import Step
from notebake.runs.lock import hold_run
from notebake.runs.run import Run
from notebake.timestamps import parse_timestamp, utc_from_seconds
from notebake.waiting import wait_until
from tests.cloud_steps import carry_out_to
from tests.cloud_world import RECIPE, REGION, CloudWorld, RefusedCall
from tests.leftovers import PAST, add_tags, expire_lease, launch_more_like, resources_of
from tests.limits import HANG_SECONDS
from tests.quick_clock import QuickClock

ROLE = "arn:aws:iam::123456789012:role/notebake-scheduler"


@pytest.fixture
def run(world: CloudWorld) -> Run:
    """A run with a stopped builder, an image that is not accepted, and no switch to reach."""
    run = world.new_run(RECIPE.model_copy(update={"scheduler_role": ROLE}))
    carry_out_to(run, "wait_for_image")
    expire_lease(run)
    return run


def is_renewed(resource: Resource) -> bool:
    ends = parse_timestamp(resource.expires)
    assert ends is not None
    return ends > utc_from_seconds(clock.now()) + datetime.timedelta(hours=5)


def test_all_temporary_resources_are_renewed_in_one_call(world: CloudWorld, run: Run) -> None:
    before = world.actions().count("CreateTags")

    assert renew(run)

    assert world.actions().count("CreateTags") == before + 1
    renewed = resources_of(run)
    assert all(is_renewed(resource) for resource in renewed)
    assert {resource.kind for resource in renewed} == {
        *("instance", "volume", "network interface", "key pair", "security group"),
        *("image", "snapshot"),
    }


def test_the_schedule_of_a_machine_moves_with_its_lease(run: Run) -> None:
    machine = resources_of(run, "instance")[0].id
    schedules.ensure_schedule(run, machine, utc_from_seconds(0))

    assert renew(run)

    (schedule,) = schedules.list_schedules(REGION, run.id)
    assert schedule.owners == (machine,)
    assert is_renewed(schedule)


def test_accepted_images_and_copies_are_not_renewed(world: CloudWorld, run: Run) -> None:
    copy = launch_more_like(world, run)
    add_tags(resources_of(run, "image")[0].id, accepted="2026-11-23")

    assert renew(run)

    left = {resource.kind for resource in resources_of(run) if resource.expires == PAST}
    assert left == {"image", "snapshot", "instance", "volume", "network interface"}
    assert [
        resource.id for resource in resources_of(run, "instance") if resource.expires == PAST
    ] == [copy]


def test_an_unreachable_machine_is_not_renewed_and_a_warning_is_logged(
    world: CloudWorld, caplog: pytest.LogCaptureFixture
) -> None:
    run = world.new_run()
    carry_out_to(run, "launch_instance")
    expire_lease(run)

    with caplog.at_level(logging.WARNING):
        assert not renew(run)

    machine = resources_of(run, "instance")[0]
    assert f"The lease of {machine.id} was not renewed" in caplog.text
    for resource in resources_of(run):
        is_free = resource.kind in {"key pair", "security group"}
        assert is_renewed(resource) == is_free, resource.kind


def test_a_machine_without_a_first_login_is_not_renewed(run: Run) -> None:
    machine = resources_of(run, "instance")[0]
    add_tags(machine.id, lost="accepted no ssh login")

    assert renew(run)

    assert resources_of(run, "instance")[0].expires == PAST


def test_a_refused_renewal_is_a_warning_and_retried_sooner(world: CloudWorld, run: Run) -> None:
    refuses = RefusedCall("CreateTags", "UnauthorizedOperation", status=403)
    with world.intercepting(refuses):
        assert not renew(run)
        assert refuses.fired == 1
    refuses = RefusedCall("CreateTags", "UnauthorizedOperation", lambda _: refuses.fired < 2, 403)
    pauses: list[float] = []

    def note_pause(clocks: QuickClock, seconds: float, stop: threading.Event | None) -> bool:
        if threading.current_thread().name == "keep alive" and seconds > 60:
            pauses.append(seconds)
        return RealClock.pause(clocks, min(seconds / 60, 0.1), stop)

    with (
        world.intercepting(refuses),
        mock.patch.object(QuickClock, "pause", note_pause),
        renewing(run),
    ):
        wait_until(
            lambda: True if len(pauses) >= 3 else None,
            what="the third pause",
            timeout_seconds=60 * HANG_SECONDS,
        )

    assert refuses.fired == 2
    lease = run.recipe.lease_hours * 3600
    assert pauses[:3] == [lease / 32, lease / 32, lease / 4]


def test_what_was_removed_meanwhile_is_not_waited_for(world: CloudWorld, run: Run) -> None:
    removed = RefusedCall("CreateTags", "InvalidSnapshot.NotFound", status=400)
    with world.intercepting(removed):
        assert not renew(run)
    assert removed.fired == 1


def test_a_renewal_that_is_to_stop_changes_nothing_more(run: Run) -> None:
    builder = resources_of(run, "instance")[0].id
    schedules.delete_schedule(run, builder)
    stop = threading.Event()
    stop.set()

    assert not renew(run, stop)

    assert schedules.list_schedules(REGION, run.id) == []
    assert all(resource.expires == PAST for resource in resources_of(run))


def test_nothing_is_renewed_beside_the_tear_down(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    going_on: list[str] = []

    def tear_down(_step: Step, _run: Run) -> None:
        going_on.extend(thread.name for thread in threading.enumerate())
        raise PreflightError("far enough")

    monkeypatch.setattr(build_image, "going_on", lambda *_: nullcontext())
    monkeypatch.setattr(build_image, "carry_out_all", lambda *_: None)
    monkeypatch.setattr(build_image, "carry_out", tear_down)

    with pytest.raises(PreflightError, match="far enough"):
        unwrap(build_image.build_image.fn)(run_id=run.id, store=run.store)

    assert threading.main_thread().name in going_on
    assert "keep alive" not in going_on


def test_leases_are_renewed_from_the_start_of_the_block(world: CloudWorld, run: Run) -> None:
    with hold_run(run), renewing(run):
        wait_until(
            lambda: True if all(is_renewed(resource) for resource in resources_of(run)) else None,
            what="the first renewal",
            timeout_seconds=60 * HANG_SECONDS,
        )
    assert stack_instances.find_builder(run) is not None
    assert tags.EXPIRES in resources_of(run, "key pair")[0].tags
    assert world.actions().count("CreateTags") >= 2
