import json
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from notebake.commands import boot
from tests.unit.shell_world import ShellWorld, shell_world


@pytest.fixture
def world(tmp_path: Path) -> ShellWorld:
    world = shell_world(tmp_path)
    world.fake("systemctl", "exit ${IS_FAILED:-1}")
    world.fake("cloud-init", "echo error: no datasource; exit ${CLOUD_INIT_EXIT:-0}")
    world.fake("sudo", '"$@"')
    world.fake("sleep", "")
    (tmp_path / "run" / "cloud-init").mkdir(parents=True)
    return world


def wait(world: ShellWorld) -> CompletedProcess[str]:
    return world.run(boot.wait_for_cloud_init().replace("/run/", f"{world.directory}/run/"))


def write_result(world: ShellWorld, *errors: str) -> None:
    """Write what cloud-init writes at its end (cloudinit/atomic_helper.py, write_json)."""
    result = {"v1": {"datasource": "DataSourceEc2Local", "errors": errors}}
    text = json.dumps(result, sort_keys=True, indent=1, separators=(",", ": "))
    for name in ("status.json", "result.json"):
        (world.directory / "run" / "cloud-init" / name).write_text(f"{text}\n")


def asked(world: ShellWorld) -> list[str]:
    return [call for call in world.calls if call.startswith("cloud-init")]


def test_a_boot_without_an_error_needs_no_question(world: ShellWorld) -> None:
    write_result(world)
    assert wait(world).returncode == 0
    assert asked(world) == []
    assert (world.directory / "run/notebake/booted").exists()


def test_the_result_of_a_boot_is_awaited(world: ShellWorld) -> None:
    result = world.directory / "run/cloud-init/result.json"
    write_result(world)
    result.rename(result.with_name("later"))
    world.fake("sleep", f"mv {result.with_name('later')} {result}")
    assert wait(world).returncode == 0
    assert [call.split()[0] for call in world.calls] == ["sleep", "systemctl", "sudo"]


def test_cloud_init_itself_is_asked_after_an_error(world: ShellWorld) -> None:
    write_result(world, "('ssh', TypeError())")
    world.environment["CLOUD_INIT_EXIT"] = "1"
    done = wait(world)
    assert (done.returncode, done.stderr) == (1, "error: no datasource\n")
    assert asked(world) == ["cloud-init status --wait", "cloud-init status --long"]


def test_cloud_init_itself_is_asked_if_one_of_its_units_has_failed(world: ShellWorld) -> None:
    write_result(world)
    world.environment |= {"IS_FAILED": "0", "CLOUD_INIT_EXIT": "1"}
    assert wait(world).returncode == 1
    assert any("cloud-final.service" in call for call in world.calls)


@pytest.mark.parametrize("code", [0, 2])
def test_cloud_init_itself_is_asked_where_it_shows_no_state(world: ShellWorld, code: int) -> None:
    world.environment["CLOUD_INIT_EXIT"] = str(code)
    assert wait(world).returncode == 0
    assert asked(world) == ["cloud-init status --wait"]


def test_a_boot_that_goes_on_names_its_stage(world: ShellWorld) -> None:
    (world.directory / "run/cloud-init/status.json").touch()
    world.fake("timeout", "exit 124")
    world.fake("cloud-init", "echo 'status: running'")
    done = wait(world)
    assert (done.returncode, done.stdout) == (boot.STILL_BOOTING, "status: running\n")
