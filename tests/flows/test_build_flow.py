"""Steps as Prefect carries them out: small real ones, whose products are files in a directory."""

import os
import re
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import TaskRun
from prefect.runtime import flow_run

from flows import remove_all as removing
from flows import step_task, tear_down
from flows.build_image import carry_out_all, open_run
from flows.build_plan import UNDONE_AT_ONCE, Plan
from flows.failure import join_failures
from flows.tear_down import remove_all
from notebake.clock import RealClock, replaced
from notebake.errors import (
    CloudError,
    HostUnreachableError,
    NotebakeError,
    NotebookError,
    ResourceLostError,
    RunLockedError,
    RunStoreError,
    TearDownError,
)
from notebake.recipe import Recipe
from notebake.record import Record
from notebake.runbook.step import Done, Step, describe, retry_when_lost
from notebake.runs import events, registry
from notebake.runs.lock import RunLostError, hold_run
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from notebake.waiting import wait_until
from tests.cloud_steps import carry_out_to, undo_all
from tests.cloud_world import CloudWorld, RefusedCall
from tests.limits import HANG_SECONDS

pytestmark = pytest.mark.usefixtures("prefect_server")
Group = tuple[Step, ...]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return registry.new_run(Recipe(name="ocean"), "ocean.yaml", open_store(str(tmp_path / "runs")))


@pytest.fixture(autouse=True)
def _retry_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_task, "RETRY_SECONDS", [0.0, 0.0])


class Bench:
    """Makes steps whose product is a file, and remembers what happened."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.happened: list[str] = []

    def step(self, name: str, *, before: Callable[[], None] = lambda: None) -> Step:
        path = self.directory / name

        def find(_run: Run) -> Done | None:
            return (
                Done(digest=path.read_text(), detail=f"{name} is there") if path.exists() else None
            )

        def make(_run: Run) -> Done:
            self.happened.append(f"make {name}")
            before()
            path.write_text("digest")
            return Done(digest="digest", detail=f"{name} was made")

        def undo(_run: Run) -> None:
            self.happened.append(f"undo {name}")
            path.unlink(missing_ok=True)

        return Step(name, f"Make {name}", find, make, undo)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def raising(*errors: Exception) -> Callable[[], None]:
    """Return what raises these errors, one each time, and then nothing."""
    left = list(errors)

    def work() -> None:
        if left:
            raise left.pop(0)

    return work


def plan_of(*groups: Group) -> Plan:
    """Return the plan in which each step of a group follows all of the group before."""
    befores: tuple[Group, ...] = ((), *groups)
    return {step: before for before, group in zip(befores, groups, strict=False) for step in group}


def check(holds: bool) -> None:
    """Fail in a step's own thread."""
    assert holds


def carry_out_plan(run: Run, plan: Plan) -> list[TaskRun]:
    """Carry out steps in a flow of their own and return its task runs, as the API has them."""
    ids: list[str] = []

    @flow(name="test")
    def build() -> None:
        ids.append(str(flow_run.get_id()))
        carry_out_all(run, plan)

    with hold_run(run):
        build()
    return task_runs(ids[0])


def task_runs(flow_run_id: str) -> list[TaskRun]:
    """Return the task runs of a flow run once the API has the end of each."""

    def ended() -> list[TaskRun] | None:
        found = task_runs_so_far(flow_run_id)
        return (
            found
            if found and all(flow_run.state and flow_run.state.is_final() for flow_run in found)
            else None
        )

    return wait_until(ended, what="the task runs", timeout_seconds=HANG_SECONDS)


def task_runs_so_far(flow_run_id: str) -> list[TaskRun]:
    wanted = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(flow_run_id)]))
    with get_client(sync_client=True) as client:
        return client.read_task_runs(flow_run_filter=wanted)


def test_steps_are_shown_by_title_and_existing_results_as_already_done(
    run: Run, bench: Bench
) -> None:
    first, second = bench.step("one"), bench.step("two")
    (bench.directory / "one").write_text("digest")

    shown = carry_out_plan(run, plan_of((first,), (second,)))

    states = {task_run.name: task_run.state for task_run in shown if task_run.state}
    assert {name: state.name for name, state in states.items()} == {
        "Make one": "Already done",
        "Make two": "Completed",
    }
    assert states["Make one"].message == "one is there"
    assert bench.happened == ["make two"]
    assert [(event.step, event.happening) for event in events.list_events(run)] == [
        ("one", "found"),
        ("two", "done"),
    ]


def test_independent_steps_run_in_parallel(run: Run, bench: Bench) -> None:
    meeting = threading.Barrier(2, timeout=HANG_SECONDS)

    def meet() -> None:
        meeting.wait()

    group = tuple(bench.step(name, before=meet) for name in "ab")

    carry_out_plan(run, plan_of(group))

    assert sorted(bench.happened) == ["make a", "make b"]


def test_a_step_waits_only_for_the_steps_that_it_follows(run: Run, bench: Bench) -> None:
    second_is_done = threading.Event()
    first = bench.step("first")
    second = bench.step("second", before=second_is_done.set)
    slow = bench.step("slow", before=lambda: check(second_is_done.wait(HANG_SECONDS)))

    carry_out_plan(run, {slow: (), first: (), second: (first,)})

    assert (bench.directory / "slow").exists()


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (HostUnreachableError("no route"), 3),
        (CloudError("slow down", "", "RequestLimitExceeded", is_transient=True), 3),
        (NotebookError("cell 3 failed"), 1),
        (CloudError("not there", "", "InvalidAMIID.NotFound"), 1),
    ],
    ids=["unreachable", "throttled", "notebook", "refused"],
)
def test_only_transient_errors_are_retried_and_the_error_is_unchanged(
    run: Run, bench: Bench, error: NotebakeError, tries: int
) -> None:
    step = bench.step("one", before=raising(error, error, error))

    with pytest.raises(type(error)) as caught:
        carry_out_plan(run, plan_of((step,)))

    assert caught.value is error
    assert len(bench.happened) == tries
    assert [event.happening for event in events.list_events(run)] == ["failed"] * tries


def test_a_host_that_comes_back_lets_the_step_succeed(run: Run, bench: Bench) -> None:
    gone = HostUnreachableError("no route")

    shown = carry_out_plan(run, plan_of((bench.step("one", before=raising(gone, gone)),)))

    assert [task_run.run_count for task_run in shown] == [3]
    assert [task_run.state_name for task_run in shown] == ["Completed"]


def test_when_a_step_fails_parallel_steps_finish(run: Run, bench: Bench) -> None:
    may_end = threading.Event()
    after = bench.step("after")

    def has_failed() -> bool | None:
        shown = task_runs_so_far(str(flow_run.get_id()))
        bad = [
            task_run.state for task_run in shown if task_run.name == "Make bad" and task_run.state
        ]
        return any(state.is_failed() for state in bad) or None

    def end() -> None:
        wait_until(has_failed, what="the failure", timeout_seconds=HANG_SECONDS)
        may_end.set()

    good = bench.step("good", before=end)
    failing = bench.step("bad", before=raising(NotebookError("cell 3 failed")))
    plan = {failing: (), good: (), after: (good,)}

    with pytest.raises(NotebookError, match="cell 3 failed"):
        carry_out_plan(run, plan)

    assert may_end.is_set()
    assert (bench.directory / "good").exists()
    assert not (bench.directory / "after").exists()


def test_parallel_failures_are_both_reported(run: Run, bench: Bench) -> None:
    both = threading.Barrier(2)

    def fail(error: Exception) -> Callable[[], None]:
        def work() -> None:
            both.wait(HANG_SECONDS)
            raise error

        return work

    clone = bench.step("clone", before=fail(NotebakeError("no such repository", "Mend the url")))
    install = bench.step("install", before=fail(NotebakeError("no such package", "Mend the list")))

    with pytest.raises(NotebakeError) as caught:
        carry_out_plan(run, plan_of((clone, install)))

    assert "no such repository" in caught.value.message
    assert "no such package" in caught.value.message
    assert re.search(r"“Make (clone|install)” failed as well: no such", str(caught.value))
    assert set(caught.value.hint.splitlines()) >= {"Mend the url", "Mend the list"}


def test_a_lost_machine_is_reported_alone() -> None:
    lost = ResourceLostError("the builder is gone")
    failures = [("Clone", NotebakeError("no answer")), ("Install", lost), ("x", ValueError("y"))]

    assert join_failures(failures) is lost
    assert str(lost) == "the builder is gone"


def test_equal_errors_of_several_steps_are_reported_once() -> None:
    first = NotebakeError("no answer")
    join_failures([("a", first), ("b", NotebakeError("no answer")), ("c", ValueError("y"))])

    assert first.message == "no answer\n“c” failed as well: ValueError: y"


def interrupt_until_handled(ended: list[str]) -> None:
    """Interrupt as a person does: one that comes while garbage is collected is not heard."""
    while not ended:
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(100):
            if not ended:
                time.sleep(0.1)


def test_an_interrupt_ends_waits_in_other_threads(run: Run, bench: Bench) -> None:
    waiting = threading.Event()
    ended: list[str] = []

    def wait_for_ever() -> None:
        try:
            wait_until(waiting.set, what="ever", timeout_seconds=HANG_SECONDS)
        except InterruptedError:
            ended.append("interrupted")
            raise

    def interrupt() -> None:
        assert waiting.wait(HANG_SECONDS)
        presses = threading.Thread(target=interrupt_until_handled, args=(ended,), daemon=True)
        presses.start()

    with pytest.raises(KeyboardInterrupt):
        carry_out_plan(
            run, plan_of((bench.step("a", before=wait_for_ever), bench.step("b", before=interrupt)))
        )

    assert ended == ["interrupted"]


def test_no_step_is_carried_out_after_the_run_lock_is_lost(run: Run, bench: Bench) -> None:
    @flow(name="test")
    def build() -> None:
        carry_out_all(run, plan_of((bench.step("one"),)))

    class Slept(RealClock):
        def elapsed_with_sleep(self) -> float:
            return super().elapsed_with_sleep() + 3600

    with hold_run(run) as lease:
        taken = lease.model_copy(update={"holder": "another"})
        kept = open_store(run.store)
        kept.write(f"{run.id}/lease.json", taken.model_dump_json().encode())
        with replaced(Slept()), pytest.raises(RunLostError):
            build()

    assert bench.happened == []


def test_a_tear_down_undoes_the_newest_first_and_leaves_nothing(
    world: CloudWorld, bench: Bench
) -> None:
    run = world.new_run()
    plan = plan_of((bench.step("one"),), (bench.step("two"), bench.step("three")))

    done = in_a_flow(lambda: remove_all(run, plan))

    assert bench.happened == ["undo three", "undo two", "undo one"]
    assert describe(done) == "nothing temporary is left"


def test_a_tear_down_ends_the_machines_at_once(world: CloudWorld, bench: Bench) -> None:
    run = world.new_run()
    asked = threading.Barrier(len(UNDONE_AT_ONCE))

    def undo(_run: Run) -> None:
        asked.wait(HANG_SECONDS)
        bench.happened.append("ended")

    ending = [replace(bench.step(name), undo=undo) for name in reversed(UNDONE_AT_ONCE)]
    plan = plan_of((bench.step("group"),), *((step,) for step in ending))

    in_a_flow(lambda: remove_all(run, plan))

    assert bench.happened == [*["ended"] * len(UNDONE_AT_ONCE), "undo group"]


def test_one_failing_undo_does_not_prevent_the_others(world: CloudWorld) -> None:
    run = world.new_run()
    carry_out_to(run, "launch_instance")
    stuck = RefusedCall("DeleteKeyPair", "UnauthorizedOperation", status=403)

    with world.intercepting(stuck), pytest.raises(TearDownError) as caught:
        in_a_flow(lambda: remove_all(run))

    assert stuck.fired == 3, "a permission may be late"
    _, (left,), _ = caught.value.args
    assert left.startswith("key pair key-")
    assert left in caught.value.message
    assert "UnauthorizedOperation" in caught.value.message
    assert f"notebake tear-down {run.id}" in str(caught.value)
    undo_all(run)


def test_resources_unknown_to_every_undo_are_named(
    world: CloudWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removing, "REMOVAL_VISIBLE_SECONDS", 0.1)
    run = world.new_run()
    tags = [{"Key": "notebake:run", "Value": run.id}]
    volume = world.ec2.create_volume(
        Size=1,
        AvailabilityZone="us-west-2a",
        TagSpecifications=[{"ResourceType": "volume", "Tags": tags}],
    )["VolumeId"]

    with pytest.raises(TearDownError, match=f"volume {volume}"):
        tear_down.tear_down(run.id, run.store)


def test_resources_that_ec2_shows_a_moment_longer_are_not_leftovers(world: CloudWorld) -> None:
    run = world.new_run()
    group = world.ec2.create_security_group(
        GroupName="shown a little longer",
        Description="of this run",
        TagSpecifications=[
            {"ResourceType": "security-group", "Tags": [{"Key": "notebake:run", "Value": run.id}]}
        ],
    )["GroupId"]
    later = threading.Timer(0.5, lambda: world.ec2.delete_security_group(GroupId=group))
    later.start()

    tear_down.tear_down(run.id, run.store)

    later.join()


def test_a_run_that_is_being_executed_is_not_torn_down(world: CloudWorld) -> None:
    run = world.new_run()

    with hold_run(run), pytest.raises(RunLockedError):
        tear_down.tear_down(run.id, run.store)

    assert world.actions() == []


def test_an_unknown_run_is_named_and_not_created(run: Run) -> None:
    with pytest.raises(RunStoreError, match="no run ocean-typo"):
        in_a_flow(lambda: open_run("", "ocean-typo", run.store))


def in_a_flow(work: Callable[[], Record]) -> Record:
    """Return what work gives inside a flow."""

    @flow(name="test")
    def carry() -> list[Record]:
        return [work()]

    return carry()[0]


def test_after_one_loss_the_lost_part_is_made_again_and_the_rest_is_found(
    run: Run, bench: Bench
) -> None:
    lost = ResourceLostError("the machine is gone")
    group = (bench.step("one"), bench.step("two", before=raising(lost)))

    in_a_flow(lambda: retry_when_lost(lambda: both_of(run, group)))

    assert sorted(bench.happened) == ["make one", "make two", "make two"]
    found = {(event.step, event.happening) for event in events.list_events(run)}
    assert found == {("one", "done"), ("one", "found"), ("two", "failed"), ("two", "done")}


def test_repeated_losses_end_the_run(run: Run, bench: Bench) -> None:
    lost = ResourceLostError("the machine is gone")
    step = bench.step("one", before=raising(lost, lost, lost))

    with pytest.raises(ResourceLostError):
        in_a_flow(lambda: retry_when_lost(lambda: both_of(run, (step,))))

    assert len(bench.happened) == 2


def test_a_lost_machine_is_reported_before_its_consequences(run: Run, bench: Bench) -> None:
    first = bench.step("one", before=raising(NotebookError("no answer")))
    second = bench.step("two", before=raising(ResourceLostError("the machine is gone")))

    with pytest.raises(ResourceLostError):
        carry_out_plan(run, plan_of((first, second)))


def both_of(run: Run, group: Group) -> Done:
    """Carry out a group and say so."""
    carry_out_all(run, plan_of(group))
    return Done(digest="", detail="carried out")
