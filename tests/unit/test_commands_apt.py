import shutil
import subprocess
from pathlib import Path

import pytest

from notebake.commands.apt import (
    PROGRAMS,
    install_packages,
    package_manager_runs,
    packages_are_installed,
)
from notebake.commands.shell import script
from tests.unit.shell_world import NASTY, ShellWorld, shell_world


def is_busy() -> bool:
    return subprocess.run(["bash", "-c", package_manager_runs()], check=False).returncode == 0


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_running_package_manager_is_seen(name: str, tmp_path: Path) -> None:
    program = tmp_path / name
    shutil.copy(shutil.which("sleep") or "", program)
    running = subprocess.Popen([program, "30"])
    try:
        assert is_busy()
    finally:
        running.kill()
        running.wait()


def test_the_names_fit_what_the_kernel_keeps_of_a_name() -> None:
    assert all(len(name) <= 15 for name in PROGRAMS)


@pytest.fixture
def world(tmp_path: Path) -> ShellWorld:
    """A machine on which the package `present` is installed, and others can be."""
    world = shell_world(tmp_path)
    world.environment["retry_seconds"] = "0"
    world.fake("apt-get", '[ "${APT_EXIT:-0}" = 0 ] || exit "$APT_EXIT"; echo "${@: -1}" >> added')
    world.fake(
        "dpkg",
        '[ "$1" != --audit ] || cat audit 2>/dev/null; [ "$1" != --configure ] || rm audit',
    )
    is_there = '[ "${@: -1}" != present ] && ! grep -qsxF -- "${@: -1}" added'
    world.fake("dpkg-query", f'{is_there} || printf "ii "; exit 0')
    world.fake("python3", "exit 0")
    return world


def install(world: ShellWorld, *packages: str) -> tuple[int, str]:
    done = world.run(script(install_packages(packages)))
    return done.returncode, done.stdout + done.stderr


def are_there(world: ShellWorld, *packages: str) -> bool:
    return world.run(packages_are_installed(packages)).returncode == 0


def calls_of(world: ShellWorld, program: str) -> list[str]:
    return [call for call in world.calls if call.split()[0] == program]


def test_apt_is_asked_for_what_is_missing_only(world: ShellWorld) -> None:
    assert install(world, "present")[0] == 0
    assert calls_of(world, "apt-get") == []

    code, printed = install(world, "present", "ffmpeg")

    assert code == 0
    assert "apt: 1 of 2 packages to install" in printed
    update, installation, _clean = calls_of(world, "apt-get")
    assert update.endswith(" update")
    assert installation.endswith(" install --no-install-recommends -- ffmpeg")
    assert "DPkg::Lock::Timeout=600" in installation


def test_packages_are_there_when_none_is_missing(world: ShellWorld) -> None:
    assert are_there(world, "present")
    assert not are_there(world, "present", "ffmpeg")

    install(world, "ffmpeg")

    assert are_there(world, "present", "ffmpeg")


def test_an_interrupted_package_is_not_there_and_is_configured_first(world: ShellWorld) -> None:
    (world.directory / "audit").write_text("half-installed\n")
    assert not are_there(world, "present")

    code, printed = install(world)

    assert code == 0, printed
    assert [call for call in calls_of(world, "dpkg") if "--audit" not in call] == [
        "dpkg --configure -a"
    ]
    assert are_there(world, "present")


def test_a_failing_apt_is_an_error(world: ShellWorld) -> None:
    world.environment["APT_EXIT"] = "100"

    assert install(world, "ffmpeg")[0] == 100
    assert len(calls_of(world, "apt-get")) == 3, "it was tried again"
    assert not are_there(world, "ffmpeg")


def test_names_reach_apt_unchanged(world: ShellWorld) -> None:
    assert not are_there(world, NASTY)
    assert install(world, NASTY)[0] == 0
    assert any(call.endswith(NASTY) for call in calls_of(world, "apt-get"))
