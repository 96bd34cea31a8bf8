"""The wheel in an environment with nothing but what it asks for, by each common installer.

Minutes, and a network: `make test-all` alone does it.
"""

import os
import pwd
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.cloud_world import CloudWorld
from tests.draw import ALL, has_everything
from tests.installed_copy import InstalledCopy, quietly, without_the_checkout
from tests.limits import HANG_SECONDS

UV = Path(sys.executable).with_name("uv")

pytestmark = pytest.mark.skipif(not has_everything(), reason=f"only with {ALL}")


def by_pip(wheel: Path, folder: Path) -> Path:
    quietly("-m", "venv", folder)
    install(folder / "bin" / "pip", "install", "--quiet", wheel)
    return folder


def by_pipx(wheel: Path, folder: Path) -> Path:
    places = {f"PIPX_{name}": str(folder / name) for name in ("HOME", "BIN_DIR", "MAN_DIR")}
    install(UV, "tool", "run", "pipx", "install", "--python", sys.executable, wheel, **places)
    return folder / "HOME" / "venvs" / "notebake"


def by_uv_tool(wheel: Path, folder: Path) -> Path:
    places = {"UV_TOOL_DIR": str(folder), "UV_TOOL_BIN_DIR": str(folder / "bin")}
    install(UV, "tool", "install", "--python", sys.executable, wheel, **places)
    return folder / "notebake"


def install(*words: str | Path, **places: str) -> None:
    """Run an installer as its user does: with the index that his own settings name."""
    done = subprocess.run(
        words,
        env=as_its_user(os.environ) | places,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def as_its_user(variables: Mapping[str, str]) -> dict[str, str]:
    return without_the_checkout(variables) | {"HOME": pwd.getpwuid(os.getuid()).pw_dir}


@pytest.mark.parametrize("installer", [by_pip, by_pipx, by_uv_tool])
def test_an_installed_wheel_runs_plan_and_survey(
    installer: Callable[[Path, Path], Path],
    installed: InstalledCopy,
    world: CloudWorld,
    tmp_path: Path,
) -> None:
    copy = InstalledCopy(installer(installed.wheel, tmp_path / "tools"))

    written = copy.run("notebake", "init", folder=tmp_path)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("[auto]", "[198.51.100.7/32]"))
    planned = copy.run("notebake", "plan", "recipe.yaml", folder=tmp_path)
    images = copy.run("notebake", "images", folder=tmp_path)
    pip = copy.run("python", "-m", "pip", "--version", folder=tmp_path)

    assert written.exit_code == 0, written.printed
    assert planned.exit_code == 0, planned.printed
    assert "Nothing was made" in planned.printed
    assert "No image in us-west-2" in images.printed
    assert pip.exit_code == 0, pip.printed
    assert world.actions()
