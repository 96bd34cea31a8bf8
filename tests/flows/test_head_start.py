"""The first steps of a build, carried out before Prefect is there."""

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import TaskRun

from flows import build_image as building
from flows import head_start as starting
from flows import step_task
from flows.build_image import build_image
from flows.build_plan import BUILD, Plan, load_step
from flows.head_start import STEPS, head_start
from notebake.errors import CloudError, PreflightError
from notebake.ledger.kinds import ENDED, EXECUTING, STEP
from notebake.ledger.summary import Summary
from notebake.preflight.finding import Finding
from notebake.runs.lock_record import read_lock
from notebake.runs.recorded_run import read_recorded_run
from notebake.runs.run import Run
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

    assert refused.fired == step_task.RETRIES + 1
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
