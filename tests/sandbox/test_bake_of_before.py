"""A run that an earlier notebake began, on real hosts, and that this notebake ends."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from notebake.runs.events import list_events
from notebake.runs.open_store import open_store
from notebake.runs.registry import load_run
from notebake.runs.run import Run
from tests.limits import HANG_SECONDS
from tests.sandbox.bakery import Bakery

pytestmark = pytest.mark.sandbox

PROJECT = Path(__file__).parents[2]
BEFORE = "bf507654dd1d39dac7b71895b7cb2c63ec011e67"
"""The last commit before the modules lay in folders."""
LAST = "Run the notebook"
"""The step in which the earlier notebake is killed."""


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources of the earlier notebake; skipped where the history does not go back so far."""
    archive = subprocess.run(
        ["git", "-C", str(PROJECT), "archive", BEFORE], capture_output=True, check=False
    )
    if archive.returncode:
        pytest.skip(f"git does not know the commit {BEFORE[:7]}: {archive.stderr.decode()}")
    folder = tmp_path_factory.mktemp("before")
    subprocess.run(["tar", "--extract", "--directory", folder], input=archive.stdout, check=True)
    return folder


def build_until(before: Path, bakery: Bakery, recipe: Path, title: str) -> str:
    """Build with the earlier notebake, kill it as it begins a step, and return what it printed."""
    build = subprocess.Popen(
        [sys.executable, "-m", "flows.command_line", "build", str(recipe)],
        env={**bakery.environment(), "PYTHONPATH": str(before)},
        cwd=before,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    printed = ""
    assert build.stdout is not None
    for line in build.stdout:
        printed += line
        if re.match(rf"\s+[\d.]+s  {re.escape(title)}", line):
            build.send_signal(signal.SIGKILL)
            break
    build.communicate(timeout=HANG_SECONDS)
    assert build.returncode == -signal.SIGKILL, f"it never came to {title!r}:\n{printed}"
    return printed


def finished_steps(run: Run, *, since: int = 0) -> list[str]:
    """Return the steps that were done, and not found, from a number of events on."""
    return [event.step for event in list_events(run)[since:] if event.happening == "done"]


def test_no_finished_step_of_an_earlier_notebake_is_done_again(
    before: Path, bakery: Bakery
) -> None:
    recipe = bakery.write_recipe("earlier")
    build_until(before, bakery, recipe, LAST)
    folder = bakery.run_of("earlier")
    run = load_run(folder.id, open_store(str(bakery.store)))
    machines = [machine["InstanceId"] for machine in folder.machines()]
    by_them, so_far = set(finished_steps(run)), len(list_events(run))
    assert {"launch_instance", "install_software", "install_papermill"} <= by_them

    done = bakery.notebake("resume", run.id)

    assert done.exit_code == 0, done.printed
    assert set(finished_steps(run, since=so_far)) & by_them - {"preflight", "open_ssh"} == set()
    assert "publish_image" in finished_steps(run, since=so_far)
    assert len(machines) == 1
    assert set(folder.resources()) == {"image", "snapshot"}, "nothing of the builder is left"
