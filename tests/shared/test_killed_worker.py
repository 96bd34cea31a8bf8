"""Two workers on PostgreSQL: what the first has begun, the second ends when the first is killed."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.own_prefect import OwnPrefect, own_prefect
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


@dataclass(frozen=True)
class Shared:
    cloud: Cloud
    prefect: OwnPrefect
    bakery: Bakery
    flow_runs: FlowRuns

    def workers(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.prefect.state()["workers"]
        return found


@pytest.fixture
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


def test_what_a_killed_worker_has_begun_another_one_ends(shared_bakery: Shared) -> None:
    recipe = str(shared_bakery.bakery.write_recipe("autumn"))
    flow_runs = shared_bakery.flow_runs
    started = flow_runs.start("build", recipe_path=recipe)
    flow_runs.wait_for_task(started, INSTALL)
    first = working(shared_bakery.workers())

    killed = kill_at_once(first["process"]["pid"])

    assert len(killed) >= 2, "the worker and the process of its flow run"
    assert flow_runs.state(started)["type"] == "RUNNING", "nobody could report it"
    state = flow_runs.wait_for_state(started, "COMPLETED", "FAILED", "CANCELLED")
    assert state["type"] == "COMPLETED", state["message"]
    assert "went on by itself after its process or worker was killed (2nd" in state["message"]
    assert flow_runs.now(started)["run_count"] == 2
    history = flow_runs.history(started)
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
