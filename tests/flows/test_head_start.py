"""The first steps of a build, carried out before Prefect is there."""

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import TaskRun

from flows import build_image as building
from flows import head_start as starting
from flows import remove_all, step_task
from flows.build_image import build_image
from flows.build_plan import BUILD, Plan, load_step
from flows.head_start import STEPS, find_early, going_on, head_start
from flows.recorded_step import RETRIES
from notebake.aws.execution import holds_run
from notebake.errors import CloudError, NotebakeError, PreflightError
from notebake.ledger.kinds import ENDED, EXECUTING, STEP
from notebake.ledger.summary import Summary
from notebake.preflight.finding import Finding
from notebake.resources.leftovers import find_leftovers
from notebake.runs.execution_record import StartedBy
from notebake.runs.lock_record import read_lock
from notebake.runs.recorded_run import read_recorded_run
from notebake.runs.run import Run
from notebake.waiting import interrupt_waits
from tests.cloud_steps import carry_out_to
from tests.cloud_world import RECIPE, CloudWorld, RefusedCall
from tests.flows.baked_without_hosts import bake_without_hosts

pytestmark = pytest.mark.usefixtures("prefect_server")
FIRST: Plan = {
    load_step(name): tuple(load_step(other) for other in STEPS[:number])
    for number, name in enumerate(STEPS)
}
CHANGES = ("ImportKeyPair", "CreateSecurityGroup", "RunInstances")


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the checks pass: they are tested elsewhere, and need more than this cloud has."""
    monkeypatch.setattr("tasks.preflight.check_everything", lambda _run: [])


@pytest.fixture
def baked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let builds carry out the first steps as Prefect tasks, and do without hosts for the rest."""
    real = building.carry_out_all
    made = bake_without_hosts(monkeypatch)
    without_hosts = building.carry_out_all

    def carry_out_all(run: Run, plan: Plan = BUILD) -> None:
        real(run, FIRST)
        without_hosts(run, plan)

    monkeypatch.setattr(building, "carry_out_all", carry_out_all)
    return made


def go_on(run: Run) -> list[TaskRun]:
    """Carry the run out by its flow, and return the tasks of the first steps, in their order."""
    build_image(run_id=run.id, store=run.store)
    recorded = read_recorded_run(run.id, run.store).summary
    flow_run = recorded.executions[-1].claims["flow_run_id"]
    with get_client(sync_client=True) as client:
        of_flow = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run]))
        found = client.read_task_runs(flow_run_filter=of_flow)
    titles = [step.title for step in FIRST]
    return sorted(
        (each for each in found if each.name in titles), key=lambda it: titles.index(it.name)
    )


def changes(world: CloudWorld) -> list[str]:
    return [action for action in world.actions() if action in CHANGES]


def is_free(run: Run) -> bool:
    lock = read_lock(run)
    return lock is None or lock.is_released


def summary_of(run: Run) -> Summary:
    return read_recorded_run(run.id, run.store).summary


@pytest.mark.usefixtures("checked", "baked")
def test_the_flow_goes_on_in_the_execution_that_has_begun_without_it(
    world: CloudWorld, caplog: pytest.LogCaptureFixture
) -> None:
    run = world.new_run()

    with head_start(run, "notebake build", is_watched=False):
        assert changes(world) == list(CHANGES), "all of it before the flow"
        assert not is_free(run)
        found = go_on(run)

    assert changes(world)[:3] == list(CHANGES)
    assert changes(world).count("RunInstances") == 1
    assert "was not renewed" not in caplog.text, "it has its lease from the launch, and boots"
    assert [task.state.name for task in found if task.state] == ["Already done"] * 4
    messages = [task.state.message or "" for task in found if task.state]
    assert all(": done in " in message and message.endswith(" ago") for message in messages)
    assert messages[0].startswith("0 checks passed: done in ")
    assert is_free(run)
    (execution,) = summary_of(run).executions
    assert execution.started_by == "Prefect flow Build an image"
    assert not execution.error
    recorded = read_recorded_run(run.id, run.store)
    assert recorded.is_sealed
    begun = [entry for entry in recorded.entries if entry.kind == EXECUTING]
    assert [entry.body["started_by"] for entry in begun] == [
        "notebake build",
        "Prefect flow Build an image",
    ]
    assert execution.began == begun[0].time
    assert [entry.kind for entry in recorded.entries].count(ENDED) == 1


@pytest.mark.usefixtures("checked", "baked")
def test_a_flow_without_a_head_start_carries_out_all_of_it(world: CloudWorld) -> None:
    run = world.new_run()

    found = go_on(run)

    assert {task.state.name for task in found if task.state} == {"Completed"}
    assert changes(world)[:3] == list(CHANGES)


@pytest.mark.usefixtures("checked", "baked")
def test_a_step_that_fails_counts_as_the_first_try_of_its_task(
    world: CloudWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_task, "RETRY_SECONDS", [0.0, 0.0])
    checks: list[Run] = []

    def check(run: Run) -> list[Finding]:
        checks.append(run)
        return []

    monkeypatch.setattr("tasks.preflight.check_everything", check)
    run = world.new_run()

    def build() -> None:
        with head_start(run, "notebake build", is_watched=False):
            build_image(run_id=run.id, store=run.store)

    refused = RefusedCall("RunInstances", "UnauthorizedOperation", status=403)
    with world.intercepting(refused), pytest.raises(CloudError):
        build()

    assert refused.fired == RETRIES + 1
    assert len(checks) == 1, "what was checked a moment ago is not checked again"
    failed = [
        entry
        for entry in read_recorded_run(run.id, run.store).entries
        if entry.kind == STEP and entry.body["happening"] == "failed"
    ]
    assert [entry.body["step"] for entry in failed] == ["launch_instance"] * refused.fired
    with head_start(run, "notebake resume", is_watched=False):
        found = go_on(run)
    assert [task.state.name for task in found if task.state] == ["Already done"] * 4


@pytest.mark.usefixtures("baked")
@pytest.mark.parametrize("is_watched", [True, False])
def test_what_preflight_finds_is_said_at_once_unless_somebody_watches_the_server(
    world: CloudWorld, monkeypatch: pytest.MonkeyPatch, *, is_watched: bool
) -> None:
    def refuse(_run: Run) -> list[object]:
        raise PreflightError("Nothing was made: ocean cannot be built.")

    monkeypatch.setattr("tasks.preflight.check_everything", refuse)
    run, reached = world.new_run(), list[str]()

    def build() -> None:
        with head_start(run, "notebake build", is_watched=is_watched):
            reached.append(run.id)
            build_image(run_id=run.id, store=run.store)

    with pytest.raises(PreflightError):
        build()

    assert reached == ([run.id] if is_watched else [])
    assert not changes(world)
    (execution,) = summary_of(run).executions
    assert execution.error == "PreflightError"
    assert is_free(run)


@pytest.mark.usefixtures("checked")
def test_a_head_start_that_is_interrupted_ends_its_execution(
    world: CloudWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = world.new_run()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(starting, "carry_out_first", interrupt)
    with (
        pytest.raises(KeyboardInterrupt),
        head_start(run, "notebake build", is_watched=False),
    ):
        pytest.fail("it went on")

    assert summary_of(run).executions[0].error == "KeyboardInterrupt"
    assert is_free(run)


@pytest.mark.usefixtures("checked")
def test_a_server_that_does_not_come_up_ends_the_execution_with_its_error(
    world: CloudWorld,
) -> None:
    run = world.new_run()

    with (
        pytest.raises(CloudError, match="the server"),
        head_start(run, "notebake build", is_watched=False),
    ):
        raise CloudError("the server did not start")

    assert summary_of(run).executions[0].message == "the server did not start"
    assert is_free(run)


@pytest.mark.usefixtures("checked")
def test_a_bake_that_has_to_be_approved_gets_no_head_start(world: CloudWorld) -> None:
    run = world.new_run(RECIPE.model_copy(update={"approve": ("bake",)}))

    with head_start(run, "notebake build", is_watched=False):
        assert not changes(world)
        assert read_lock(run) is None


@pytest.mark.usefixtures("checked", "baked")
def test_what_is_gone_when_the_flow_looks_is_made_again(world: CloudWorld) -> None:
    run = world.new_run()

    with head_start(run, "notebake build", is_watched=False):
        world.ec2.delete_key_pair(KeyName=f"notebake {run.id} builder")
        found = go_on(run)

    assert changes(world).count("ImportKeyPair") >= 2
    assert [task.state.name for task in found if task.state][:2] == ["Already done", "Completed"]


TORN_DOWN = RECIPE.model_copy(update={"on_failure": "tear_down"})


@pytest.mark.usefixtures("checked")
@pytest.mark.parametrize("error", [KeyboardInterrupt(), NotebakeError("Prefect did not start")])
def test_what_ends_it_before_the_flow_removes_what_was_made_if_the_recipe_says_so(
    world: CloudWorld, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr(remove_all, "RETRY_SECONDS", [0.0, 0.0])
    run = world.new_run(TORN_DOWN)
    late = RefusedCall(
        "DeleteKeyPair", "UnauthorizedOperation", when=lambda _: not late.fired, status=403
    )

    def end() -> None:
        interrupt_waits()
        raise error

    with (
        world.intercepting(late),
        pytest.raises(type(error)) as raised,
        head_start(run, "notebake build", is_watched=False),
    ):
        end()

    assert raised.value is error
    assert changes(world)[:3] == list(CHANGES)
    assert late.fired == 1, "a permission may be late"
    assert not find_leftovers(run)
    recorded = read_recorded_run(run.id, run.store)
    undone = [
        entry.body["step"]
        for entry in recorded.entries
        if entry.kind == STEP and entry.body["happening"] == "undone"
    ]
    assert undone[-3:] == ["launch_instance", "open_ssh", "import_key_pair"]
    (execution,) = recorded.summary.executions
    assert execution.error == type(error).__name__
    assert recorded.is_sealed
    assert is_free(run)


@pytest.mark.usefixtures("checked")
def test_what_a_resumed_run_has_beyond_its_first_steps_is_removed_as_well(
    world: CloudWorld,
) -> None:
    run = world.new_run(TORN_DOWN)
    carry_out_to(run, "request_image")

    with (
        pytest.raises(KeyboardInterrupt),
        head_start(run, "notebake resume", is_watched=False),
    ):
        raise KeyboardInterrupt

    assert not find_leftovers(run)


@pytest.mark.usefixtures("checked")
def test_what_earlier_executions_made_outlives_a_server_that_does_not_come_up(
    world: CloudWorld,
) -> None:
    run = world.new_run(TORN_DOWN)
    carry_out_to(run, "launch_instance")

    with (
        pytest.raises(NotebakeError, match="did not start"),
        head_start(run, "notebake resume", is_watched=False),
    ):
        raise NotebakeError("Prefect did not start")

    assert [left for left in find_leftovers(run) if left.id.startswith("i-")]


@pytest.mark.usefixtures("checked")
def test_what_a_failed_removal_leaves_is_in_the_error(world: CloudWorld) -> None:
    run = world.new_run(TORN_DOWN)
    stuck = RefusedCall("DeleteKeyPair", "InvalidRequest", status=400)

    with (
        world.intercepting(stuck),
        pytest.raises(CloudError, match="tear-down after this failure failed as well") as raised,
        head_start(run, "notebake build", is_watched=False),
    ):
        raise CloudError("the server did not start")

    assert stuck.fired
    assert "key pair key-" in raised.value.message
    assert changes(world).count("RunInstances") == 1
    assert not [left for left in find_leftovers(run) if left.id.startswith("i-")]


@pytest.mark.usefixtures("checked")
def test_without_on_failure_the_machine_stays_for_inspection(world: CloudWorld) -> None:
    run = world.new_run()

    with (
        pytest.raises(KeyboardInterrupt),
        head_start(run, "notebake build", is_watched=False),
    ):
        raise KeyboardInterrupt

    assert [left for left in find_leftovers(run) if left.id.startswith("i-")]


@pytest.mark.usefixtures("checked")
def test_what_fails_once_the_flow_has_taken_over_is_left_to_the_flow(world: CloudWorld) -> None:
    run = world.new_run(TORN_DOWN)

    with (
        pytest.raises(KeyboardInterrupt),
        head_start(run, "notebake build", is_watched=False),
        going_on(run, StartedBy),
    ):
        raise KeyboardInterrupt

    assert [left for left in find_leftovers(run) if left.id.startswith("i-")]
    assert is_free(run)


@pytest.mark.usefixtures("checked")
def test_a_flow_that_goes_on_twice_holds_its_run_both_times(world: CloudWorld) -> None:
    run = world.new_run()

    with head_start(run, "notebake resume", is_watched=False):
        for _ in range(2):
            with going_on(run, StartedBy):
                assert not is_free(run)
                assert holds_run()
            assert is_free(run)
        assert not find_early(load_step("preflight"), run), "that was of the first time"

    first, second = summary_of(run).executions
    assert not first.error + second.error
