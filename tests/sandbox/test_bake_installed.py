"""An installed copy bakes far from any checkout: by its own server, with its own notebook."""

import os
import signal
from pathlib import Path

import pytest

from tests.installed_copy import InstalledCopy, install_copy
from tests.limits import HANG_SECONDS
from tests.sandbox.bake_world import wait_for
from tests.sandbox.bakery import Bakery, RunFolder

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> InstalledCopy:
    return install_copy(tmp_path_factory.mktemp("installed"))


def test_an_installed_copy_builds_resumes_and_looks_after_its_image(
    installed: InstalledCopy, bakery: Bakery, tmp_path: Path
) -> None:
    recipe = bakery.write_recipe("installed")
    ours = {**bakery.cloud.environment, "HOME": str(tmp_path), "PREFECT_API_URL": ""}
    build = installed.start("notebake", "build", str(recipe), folder=tmp_path, **ours)
    runs = tmp_path / ".notebake" / "runs"
    run = RunFolder(bakery.cloud, wait_for(lambda: [*runs.glob("installed-*")], "the run")[0])
    wait_for(lambda: run.machines() or build.poll() is not None, "the machine")
    os.kill(build.pid, signal.SIGINT)
    interrupted, _ = build.communicate(timeout=HANG_SECONDS)

    resumed = installed.run("notebake", "resume", run.id, folder=tmp_path, **ours)

    assert build.returncode == 130, interrupted
    assert resumed.exit_code == 0, resumed.printed
    assert "is accepted" in " ".join(resumed.printed.split())
    assert "NOTEBAKE VERDICT: PASS" in (run.path / "notebook/executed.ipynb").read_text()
    assert sorted(run.resources()) == ["image", "snapshot"]
    assert not (tmp_path / ".notebake" / "server.json").exists()
    for command in (("images",), ("survey",), ("sweep",), ("history", "list")):
        looked = installed.run("notebake", *command, folder=tmp_path, **ours)
        assert looked.exit_code == 0, looked.printed
        assert run.id in looked.printed, command


def test_an_installed_copy_starts_a_sandbox_and_ends_it(
    installed: InstalledCopy, tmp_path: Path
) -> None:
    home = f"--home={tmp_path / 'home'}"
    try:
        up = installed.run("notebake-sandbox", home, "up", folder=tmp_path)
        status = installed.run("notebake-sandbox", home, "status", folder=tmp_path)
    finally:
        down = installed.run("notebake-sandbox", home, "down", "--purge", folder=tmp_path)

    assert up.exit_code == 0, up.printed
    assert 'eval "$(notebake-sandbox env)"' in up.printed
    assert status.exit_code == 0, status.printed
    assert down.exit_code == 0, down.printed
