import json
import shutil
from pathlib import Path

import pytest

from notebake.commands import idle_units
from notebake.machines.idle_program import idle_program
from tests.unit.shell_world import ShellWorld, shell_world


@pytest.fixture
def world(tmp_path: Path) -> ShellWorld:
    world = shell_world(tmp_path)
    world.fake("systemctl", "exit ${SYSTEMCTL_EXIT:-0}")
    return world


def here(world: ShellWorld, text: str) -> str:
    for folder in ("/etc/", "/opt/"):
        text = text.replace(folder, f"{world.directory}{folder}")
    return text


def install(world: ShellWorld, port: int = 8887) -> str:
    text = idle_units.install_idle_stop(program=idle_program(), port=port, folder="/data/sea")
    return here(world, text)


def test_the_program_is_installed_and_runs_once(world: ShellWorld) -> None:
    done = world.run(install(world))

    assert (done.returncode, done.stderr) == (0, "")
    folder = world.directory / "opt/notebake/idle"
    assert (folder / "__main__.py").is_file()
    assert (folder / "notebake/machines/idle/judge.py").is_file()
    assert not (folder / "program.zip").exists()
    settings = json.loads((world.directory / "etc/notebake/idle.json").read_text())
    assert settings == {"jupyter_port": 8887, "jupyter_folder": "/data/sea"}
    assert [call for call in world.calls if call.startswith("systemctl")] == [
        "systemctl daemon-reload",
        "systemctl --quiet enable notebake-idle.timer",
        "systemctl start notebake-idle.service notebake-idle.timer",
    ]


def test_a_second_installation_replaces_the_first(world: ShellWorld) -> None:
    world.run(install(world))
    left = world.directory / "opt/notebake/idle/left.py"
    left.touch()
    (world.directory / "opt/notebake/idle.new").mkdir()
    done = world.run(install(world, port=9999))

    assert done.returncode == 0
    assert not left.exists()
    settings = (world.directory / "etc/notebake/idle.json").read_text()
    assert json.loads(settings)["jupyter_port"] == 9999


def test_a_program_that_does_not_run_on_this_host_fails_the_step(world: ShellWorld) -> None:
    world.fake("systemctl", '[ "$1" != start ]')

    assert world.run(install(world)).returncode != 0


def test_a_timer_that_is_not_enabled_is_an_error_that_says_so(world: ShellWorld) -> None:
    assert world.run(idle_units.idle_stop_is_enabled()).returncode == 0
    world.environment["SYSTEMCTL_EXIT"] = "1"
    done = world.run(idle_units.idle_stop_is_enabled())

    assert done.returncode != 0
    assert "notebake-idle.timer is not enabled" in done.stderr


@pytest.mark.sandbox
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_understands_the_units(world: ShellWorld, tmp_path: Path) -> None:
    (tmp_path / idle_units.SERVICE).write_text(idle_units.SERVICE_UNIT)
    (tmp_path / idle_units.TIMER).write_text(idle_units.TIMER_UNIT)
    done = world.run(f"systemd-analyze verify {tmp_path / idle_units.TIMER}")

    assert str(tmp_path) not in done.stderr
    assert done.returncode == 0
