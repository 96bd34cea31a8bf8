"""A build that was started through Prefect and failed goes on by Prefect's own Retry."""

import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from tests.limits import HANG_SECONDS
from tests.sandbox.bake_world import BIN, PROJECT
from tests.sandbox.bakery import Bakery, RunFolder

pytestmark = pytest.mark.sandbox

FLOW = "flows/build_image.py:build_image"


@dataclass(frozen=True)
class Retried:
    """A flow run that failed twice, and the run that it executed."""

    run: RunFolder
    flow_run: dict[str, Any]
    tasks: list[dict[str, Any]]
    machines: tuple[str, str]
    """The builder after the first attempt, and after the second."""

    def states_of(self, attempt: int) -> dict[str, str]:
        return {
            task["name"]: task["state"]["name"]
            for task in self.tasks
            if task["flow_run_run_count"] == attempt
        }


@pytest.fixture(scope="module")
def retried(bakery: Bakery) -> Retried:
    impossible = {"manager": "pip", "packages": ["jupyterlab>9999"]}
    recipe = bakery.write_recipe("retried", software=impossible)
    start = f"from flows.build_image import build_image; build_image({str(recipe)!r})"
    first = call(bakery, sys.executable, "-c", start)
    assert first.returncode == 1, first.stderr
    flow_run = flow_run_of(bakery, str(recipe))
    run = bakery.run_of("retried")
    before = run.machines()[0]["InstanceId"]
    second = call(bakery, str(BIN / "prefect"), "flow-run", "retry", flow_run["id"], "-e", FLOW)
    states = states_of(bakery, flow_run["id"])
    assert [states.count(state) for state in ("Running", "Failed")] == [2, 2], second.stderr
    wanted = {"flow_runs": {"id": {"any_": [flow_run["id"]]}}}
    return Retried(
        run,
        flow_run_of(bakery, str(recipe)),
        bakery.prefect("/task_runs/filter", **wanted),
        (before, run.machines()[0]["InstanceId"]),
    )


def call(bakery: Bakery, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        env=bakery.environment(),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )


def flow_run_of(bakery: Bakery, recipe: str) -> dict[str, Any]:
    found = bakery.prefect("/flow_runs/filter")
    ours: list[dict[str, Any]] = [
        flow_run for flow_run in found if flow_run["parameters"].get("recipe") == recipe
    ]
    assert len(ours) == 1
    return ours[0]


def states_of(bakery: Bakery, flow_run_id: str) -> list[str]:
    return [
        state["name"]
        for state in bakery.ask_prefect(f"/flow_run_states/?flow_run_id={flow_run_id}")
    ]


def test_a_retry_goes_on_with_the_machine_of_the_first_attempt(retried: Retried) -> None:
    assert retried.flow_run["run_count"] == 2
    assert retried.machines[0] == retried.machines[1]
    before, after = retried.states_of(1), retried.states_of(2)
    for title in ("Launch the builder", "Wait for the builder", "Make a key pair"):
        assert (before[title], after[title]) == ("Completed", "Already done")
    assert before["Install the software"] == after["Install the software"] == "Failed"
    assert "Run the notebook" not in after, "nothing is tried on a machine without its software"


def test_prefect_shows_the_reason_of_a_failure(bakery: Bakery, retried: Retried) -> None:
    assert retried.flow_run["state"]["type"] == "FAILED"
    wanted = {"logs": {"flow_run_id": {"any_": [retried.flow_run["id"]]}}}
    messages = [record["message"] for record in bakery.prefect("/logs/filter", **wanted)]
    assert any("jupyterlab" in message for message in messages)
    assert any("Requesting one m6i.large" in message for message in messages)


def test_the_log_is_in_the_run_store_as_from_the_command_line(retried: Retried) -> None:
    log = retried.run.log()

    assert " launch_instance Requesting one m6i.large" in log
    assert " DEBUG " in log


def test_a_failed_run_is_torn_down_to_nothing(bakery: Bakery, retried: Retried) -> None:
    assert sorted(set(retried.run.resources())) == [
        "key pair",
        "machine",
        "security group",
        "volume",
    ]
    done = bakery.notebake("tear-down", retried.run.id)
    assert done.exit_code == 0, done.printed
    assert retried.run.resources() == []
