"""Two workers on PostgreSQL: one ends what the other has begun, and two never bake one recipe."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deployments.worker import list_children
from flows.local_prefect.after_crash import GOES_ON
from tests.own_prefect import OwnPrefect, is_alive, own_prefect
from tests.sandbox.bake_world import Cloud, cloud_opened
from tests.sandbox.bakery import Bakery
from tests.shared.conftest import why_not
from tests.shared.flow_runs import FlowRuns, kill_at_once, working

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(
        not os.environ.get("NOTEBAKE_TEST_ALL"), reason="minutes of bakes: make test-all"
    ),
]
INSTALL = "Install the software"
ENDS = ("COMPLETED", "FAILED", "CANCELLED")
GONE_ON = "went on by itself after its process or worker was killed (2nd execution)"


@dataclass(frozen=True)
class Shared:
    cloud: Cloud
    prefect: OwnPrefect
    bakery: Bakery
    flow_runs: FlowRuns

    @property
    def variables(self) -> dict[str, str]:
        return self.cloud.environment | {"NOTEBAKE_RUNS": str(self.bakery.store)}

    def workers(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.prefect.state()["workers"]
        return found


@pytest.fixture(scope="module")
def shared_bakery() -> Iterator[Shared]:
    if reason := why_not():
        pytest.skip(reason)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nb-")))
        cloud = stack.enter_context(cloud_opened(folder / "sandbox"))
        prefect = stack.enter_context(own_prefect(folder / "home"))
        bakery = Bakery(cloud, "", folder)
        variables = cloud.environment | {"NOTEBAKE_RUNS": str(bakery.store)}
        yield Shared(cloud, prefect, bakery, FlowRuns(prefect.start_shared(variables)))


def launched(shared: Shared, recipe: str) -> list[str]:
    """Return the builders that were launched for a recipe, also those that are gone."""
    filters = [
        {"Name": "tag:notebake:recipe", "Values": [recipe]},
        {"Name": "tag:notebake:role", "Values": ["builder"]},
    ]
    found = shared.cloud.ec2().describe_instances(Filters=filters)["Reservations"]
    return [each["InstanceId"] for group in found for each in group["Instances"]]


@dataclass(frozen=True)
class Finished:
    """A bake whose worker was killed in it, and how it ended."""

    flow_run_id: str
    state_when_killed: str
    state: dict[str, Any]


@pytest.fixture(scope="module")
def killed(shared_bakery: Shared) -> Finished:
    """A bake, whose worker is killed with all its processes while it installs the software."""
    recipe = shared_bakery.bakery.write_recipe("autumn", rebake={"on": ["recipe"]})
    flow_runs = shared_bakery.flow_runs
    started = flow_runs.start("build", recipe="", recipe_path=str(recipe))
    flow_runs.wait_for_task(started, INSTALL)
    first = working(shared_bakery.workers())

    ended = kill_at_once(first["process"]["pid"])

    assert len(ended) >= 2, "the worker and the process of its flow run"
    state = str(flow_runs.state(started)["type"])
    return Finished(started, state, flow_runs.wait_for_state(started, *ENDS))


def test_what_a_killed_worker_has_begun_another_one_ends(
    shared_bakery: Shared, killed: Finished
) -> None:
    flow_runs = shared_bakery.flow_runs
    assert killed.state_when_killed == "RUNNING", "nobody was left to report it"
    assert killed.state["type"] == "COMPLETED", killed.state["message"]
    assert GONE_ON in killed.state["message"]
    assert flow_runs.now(killed.flow_run_id)["run_count"] == 2
    history = flow_runs.history(killed.flow_run_id)
    assert history.count("Running") == 2
    assert "Crashed" in history
    assert "AwaitingRetry" in history
    assert len(launched(shared_bakery, "autumn")) == 1
    executions = [
        entry.body["claims"]
        for entry in shared_bakery.bakery.run_of("autumn").entries()
        if entry.kind == "executing"
    ]
    assert [bool(claims.get("went_on")) for claims in executions] == [False, True]


def test_a_bake_whose_process_is_killed_goes_on_and_says_so(shared_bakery: Shared) -> None:
    """The worker lives, and reports twice: the flow run goes on after its second report."""
    shared_bakery.prefect.start_shared(shared_bakery.variables)
    recipe = shared_bakery.bakery.write_recipe("spring")
    flow_runs = shared_bakery.flow_runs
    started = flow_runs.start("build", recipe="", recipe_path=str(recipe))
    flow_runs.wait_for_task(started, INSTALL)
    worker = working(shared_bakery.workers())["process"]["pid"]

    kill_at_once(*list_children(worker))

    state = flow_runs.wait_for_state(started, *ENDS)
    assert state["type"] == "COMPLETED", state["message"]
    shown = [each["message"] for each in flow_runs.states(started) if each["type"] == "CRASHED"]
    assert "(builder, " in shown[-1], "what is left"
    assert f"To go on: {GOES_ON}" in shown[-1]
    assert GONE_ON in state["message"]
    assert len(launched(shared_bakery, "spring")) == 1
    assert is_alive(worker)


@pytest.mark.usefixtures("killed")
def test_two_deployments_never_rebake_a_recipe_at_once(shared_bakery: Shared) -> None:
    changed = shared_bakery.bakery.write_recipe(
        "autumn",
        rebake={"on": ["recipe"]},
        volumes=[{"name": "data", "mount_point": "/data", "size_gib": 1}],
    )
    shared_bakery.prefect.start_shared(shared_bakery.variables)  # the killed one again
    flow_runs = shared_bakery.flow_runs
    flow_runs.copy_deployment("update-rehearsal", "update-too")
    wanted = {"recipe": "", "recipe_path": str(changed), "promote": False}
    before = len(launched(shared_bakery, "autumn"))

    started = [flow_runs.start(name, **wanted) for name in ("update-rehearsal", "update-too")]

    states = [flow_runs.wait_for_state(each, *ENDS) for each in started]
    assert [state["type"] for state in states] == ["COMPLETED"] * 2, states
    baked, left = sorted(
        (str(state["message"]) for state in states), key=lambda it: "another" in it
    )
    assert " accepted" in baked
    assert left.startswith("another rebake of autumn in us-west-2 is in progress: process ")
    assert len(launched(shared_bakery, "autumn")) == before + 1
