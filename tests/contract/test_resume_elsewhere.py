"""A run begun on one machine is resumed on another that shares only AWS with it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from notebake.aws.clients import connect
from notebake.resources.leftovers import find_leftovers
from notebake.runs.open_store import open_store
from notebake.runs.registry import new_run
from notebake.runs.run import Run
from tests.cloud_world import RECIPE, REGION, CloudWorld
from tests.limits import HANG_SECONDS
from tests.store_world import LOCATION, world_with_bucket

ROOT = Path(__file__).parents[2]
EXECUTION = """
import json, os, signal, sys
from notebake.runs import keys, secret_store
from notebake.runs.lock import hold_run
from notebake.runs.log import run_log
from notebake.runs.open_store import open_store
from notebake.runs.registry import load_run
from notebake.runbook.step import carry_out
from tests.cloud_steps import CLOUD_STEPS, undo_all, wait_until_settled
from tests.cloud_world import result_ids

location, run_id, last, then = sys.argv[1:]
run = load_run(run_id, open_store(location))
report = {"ids": {}, "was_there": []}
with run_log(run) as log_path, hold_run(run):
    with log_path.open("a") as log:
        log.write(f"up to {last}\\n")
    for step in CLOUD_STEPS:
        outcome = carry_out(step, run)
        wait_until_settled(run)
        report["ids"][step.name] = result_ids(outcome.result)
        report["was_there"] += [step.name] * outcome.was_there
        if step.name == last:
            break
    report["key_path"] = keys.private_key_path(run, "builder")
    report["public"] = keys.keys_of(run, "builder").public
    if then == "die":
        print(json.dumps(report), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    if then == "tear down":
        undo_all(run)
        secret_store.delete_secrets(run)
print(json.dumps(report))
"""


@dataclass
class Machine:
    """A machine with a home of its own, which knows the cloud and nothing of the others."""

    home: Path

    def execute(self, run: Run, last: str, then: str) -> dict[str, Any]:
        """Go on with a run in a fresh process, up to a step, and return what it told."""
        done = subprocess.run(
            [sys.executable, "-c", EXECUTION, run.store, run.id, last, then],
            cwd=ROOT,
            env={**os.environ, "HOME": str(self.home), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
            check=False,
        )
        assert done.returncode == (-signal.SIGKILL if then == "die" else 0), done.stderr
        document: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return document

    def files(self) -> list[str]:
        """Return the files in the home that may hold a secret."""
        return [
            str(path) for path in self.home.rglob("*") if path.is_file() and "keys" in str(path)
        ]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[CloudWorld]:
    with world_with_bucket(tmp_path) as opened:
        yield opened


@pytest.fixture
def run(world: CloudWorld) -> Run:
    del world
    return new_run(RECIPE, "/home/ada/ocean.yaml", open_store(LOCATION))


@pytest.fixture
def machines(tmp_path: Path) -> tuple[Machine, Machine]:
    laptop, worker = Machine(tmp_path / "laptop"), Machine(tmp_path / "worker")
    laptop.home.mkdir()
    worker.home.mkdir()
    return laptop, worker


def secret_names() -> list[str]:
    """Return the names of all SecureStrings of runs."""
    found = connect("ssm", REGION).describe_parameters(
        ParameterFilters=[{"Key": "Name", "Option": "BeginsWith", "Values": ["/notebake/"]}]
    )
    return sorted(parameter["Name"].rpartition("/")[2] for parameter in found["Parameters"])


@pytest.mark.parametrize("killed_after", ["launch_instance", "request_image"])
def test_another_machine_resumes_where_one_was_killed(
    world: CloudWorld, run: Run, machines: tuple[Machine, Machine], killed_after: str
) -> None:
    laptop, worker = machines
    begun = laptop.execute(run, killed_after, "die")
    ended = worker.execute(run, "launch_acceptance", "tear down")

    done_before = list(begun["ids"])
    assert ended["was_there"][: len(done_before)] == done_before
    assert {step: ended["ids"][step] for step in done_before} == begun["ids"]
    launched = {
        resource_id
        for step in ("launch_instance", "launch_acceptance")
        for resource_id in ended["ids"][step]
    }
    machines_made = world.ec2.describe_instances()["Reservations"]
    assert {
        instance["InstanceId"] for group in machines_made for instance in group["Instances"]
    } == launched
    assert len(launched) == 3
    assert len(world.sandbox.calls("CreateImage")) == 1
    assert len(world.sandbox.calls("CreateSecurityGroup")) == 1

    assert ended["public"] == begun["public"], "the key is the same"
    assert Path(ended["key_path"]).is_relative_to(worker.home)
    assert [leftover for leftover in find_leftovers(run) if leftover.kind != "image"] == []
    assert secret_names() == []
    assert worker.files() == []
    log = open_store(LOCATION).read(f"{run.id}/log.txt")
    assert log is not None
    assert log.content.decode() == "up to launch_acceptance\n"


def test_objects_on_s3_do_not_give_access_to_a_machine(
    run: Run, machines: tuple[Machine, Machine]
) -> None:
    machines[0].execute(run, "launch_instance", "end")

    assert secret_names() == ["builder", "builder-host"]
    store = open_store(LOCATION)
    keys = store.list("")
    assert [object_key for object_key in keys if "/parameters/launch-builder" in object_key]
    kept = dict(zip(keys, store.read_all(keys), strict=True))
    assert [key for key, stored in kept.items() if b"PRIVATE KEY" in stored.content] == []
