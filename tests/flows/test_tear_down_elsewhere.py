"""The command itself on a machine that knows nothing of the run but where its store is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from notebake.aws.clients import connect
from notebake.aws.inventory import list_resources
from notebake.runs.keys import private_key_path
from notebake.runs.open_store import open_store
from notebake.runs.registry import new_run
from tests.cloud_steps import carry_out_to
from tests.cloud_world import RECIPE, REGION
from tests.limits import HANG_SECONDS
from tests.store_world import LOCATION, world_with_bucket

ROOT = Path(__file__).parents[2]


@pytest.mark.usefixtures("prefect_server")
def test_a_run_is_listed_and_torn_down_from_an_empty_home(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with world_with_bucket(tmp_path):
        run = new_run(RECIPE, "/home/ada/ocean.yaml", open_store(LOCATION))
        carry_out_to(run, "launch_instance")
        private_key_path(run, "builder")

        listed = typed(elsewhere, "history", "list", "--open")
        removed = typed(elsewhere, "tear-down", run.id)

        assert run.id in listed.stdout
        assert removed.returncode == 0, removed.stdout + removed.stderr
        assert list_resources(REGION, run.id) == []
        assert (
            connect("ssm", REGION).describe_parameters(
                ParameterFilters=[{"Key": "Name", "Option": "BeginsWith", "Values": ["/notebake/"]}]
            )["Parameters"]
            == []
        )
        log = open_store(LOCATION).read(f"{run.id}/log.txt")
        assert log is not None
        assert b"nothing temporary is left" in log.content


def typed(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Type a command with a home of one's own."""
    from prefect.settings import PREFECT_API_URL

    surroundings = {
        "HOME": str(home),
        "NOTEBAKE_RUNS": "",
        "PREFECT_API_URL": str(PREFECT_API_URL.value()),
        "PREFECT_HOME": str(home / "prefect"),
    }
    return subprocess.run(
        [sys.executable, "-m", "flows.cli.main", "--store", LOCATION, *words],
        cwd=ROOT,
        env={**os.environ, **surroundings},
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
