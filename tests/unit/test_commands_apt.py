import re
from itertools import chain
from pathlib import Path

import pytest

from notebake.commands.apt import (
    NEEDRESTART_FILE,
    exempt_our_services,
    install_packages,
    packages_are_installed,
)
from notebake.commands.shell import script
from tests.unit.shell_world import NASTY, ShellWorld, shell_world

APT_GET = """
echo "$NEEDRESTART_SUSPEND $NEEDRESTART_MODE $DEBIAN_FRONTEND" >> environment
if [ "$1" = indextargets ]; then
    case $* in *--no-release-info*) cat sites 2>/dev/null ;; esac
    exit 0
fi
[ "${APT_EXIT:-0}" = 0 ] || exit "$APT_EXIT"
echo "${@: -1}" >> added
"""


VERB = re.compile(r" (update|upgrade|install|clean)\b")


@pytest.fixture
def world(tmp_path: Path) -> ShellWorld:
    """A machine on which the package `present` is installed, and others can be."""
    world = shell_world(tmp_path)
    world.environment["retry_seconds"] = "0"
    world.environment["reach_seconds"] = "0"
    world.fake("apt-get", APT_GET)
    world.fake("apt-config", "exit 0")
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
    calls = [call for call in world.calls if call.split()[0] == program]
    return [call for call in calls if call.split()[1] != "indextargets"]


def test_apt_installs_only_missing_packages(world: ShellWorld) -> None:
    assert install(world, "present")[0] == 0
    assert calls_of(world, "apt-get") == []

    code, printed = install(world, "present", "ffmpeg")

    assert code == 0
    assert "apt: 1 of 2 packages to install" in printed
    update, installation, _clean = calls_of(world, "apt-get")
    assert update.endswith(" update")
    assert installation.endswith(" install --no-install-recommends -- ffmpeg")
    assert "DPkg::Lock::Timeout=600" in installation


def test_packages_are_found_when_none_is_missing(world: ShellWorld) -> None:
    assert are_there(world, "present")
    assert not are_there(world, "present", "ffmpeg")

    install(world, "ffmpeg")

    assert are_there(world, "present", "ffmpeg")


def test_a_half_configured_package_is_missing_and_is_configured_first(world: ShellWorld) -> None:
    (world.directory / "audit").write_text("half-installed\n")
    assert not are_there(world, "present")

    code, printed = install(world)

    assert code == 0, printed
    assert [call for call in calls_of(world, "dpkg") if "--audit" not in call] == [
        "dpkg --configure -a"
    ]
    assert are_there(world, "present")


def test_a_dpkg_that_cannot_say_what_is_half_installed_is_an_error(world: ShellWorld) -> None:
    world.fake("dpkg", "echo no database >&2; exit 2")
    code, printed = install(world, "present")
    assert (code, "no database" in printed) == (2, True)
    assert not are_there(world, "present")


def test_a_failing_apt_is_an_error(world: ShellWorld) -> None:
    world.environment["APT_EXIT"] = "100"

    assert install(world, "ffmpeg")[0] == 100
    assert len(calls_of(world, "apt-get")) == 3, "it was tried again"
    assert not are_there(world, "ffmpeg")


def test_names_reach_apt_unchanged(world: ShellWorld) -> None:
    assert not are_there(world, NASTY)
    assert install(world, NASTY)[0] == 0
    assert any(call.endswith(NASTY) for call in calls_of(world, "apt-get"))


def test_installing_packages_restarts_no_service(world: ShellWorld) -> None:
    assert install(world, "ffmpeg")[0] == 0
    lines = (world.directory / "environment").read_text().split("\n")[:-1]
    assert set(lines) == {"1 l noninteractive"}


def test_a_rebake_updates_what_is_installed_first(world: ShellWorld) -> None:
    done = world.run(script(install_packages(["present", "ffmpeg"], with_updates=True)))

    assert done.returncode == 0, done.stdout + done.stderr
    verbs = [VERB.findall(call) for call in calls_of(world, "apt-get")]
    assert [*chain(*verbs)] == ["update", "upgrade", "clean", "update", "install", "clean"]
    (upgrade,) = (call for call in calls_of(world, "apt-get") if " upgrade " in call)
    assert "--with-new-pkgs" in upgrade
    assert "Dpkg::Options::=--force-confold" in upgrade
    lines = (world.directory / "environment").read_text().split("\n")[:-1]
    assert set(lines) == {"1 l noninteractive"}


def test_the_lock_is_awaited_before_interrupted_packages_are_looked_for() -> None:
    """What is half installed while somebody installs it is his."""
    text = install_packages(["present"])
    assert text.index("\nwait_for_lock\n") < text.index("audit=$(dpkg --audit)")


def test_unreachable_sources_are_named_before_apt_runs(world: ShellWorld) -> None:
    (world.directory / "bin/python3").unlink()
    (world.directory / "sites").write_text("http://127.0.0.1:1/debian\nfile:/srv/packages\n")

    code, printed = install(world, "ffmpeg")

    assert code == 1
    assert calls_of(world, "apt-get") == []
    assert "http://127.0.0.1:1: no connection to 127.0.0.1:1" in printed
    assert "cannot reach the package repositories of apt" in printed


def test_a_proxy_that_a_program_finds_is_never_tried_without_it(world: ShellWorld) -> None:
    """Nothing may end at the first match: apt-config would be killed while it still prints."""
    (world.directory / "bin/python3").unlink()
    (world.directory / "sites").write_text("http://127.0.0.1:1/debian\n")
    ends = 'trap "" PIPE; printf "%s" "$first"; sleep 0.2; echo more 2> /dev/null || touch cut'
    first = """case $* in *Acquire::http::Proxy*) first=$'http://proxy\\n' ;;
        *) first=$'Acquire::http::Proxy-Auto-Detect "/find";\\n' ;; esac"""
    world.fake("apt-config", f"{first}\n{ends}\n[ ! -e cut ]")

    code, printed = install(world, "ffmpeg")

    assert (code, (world.directory / "cut").exists()) == (0, False), printed
    assert sum("apt-config" in call for call in world.calls) == 2


def test_needrestart_does_not_restart_our_services(world: ShellWorld, tmp_path: Path) -> None:
    here = tmp_path / NEEDRESTART_FILE.removeprefix("/")
    done = world.run(script(exempt_our_services().replace("/etc/", f"{tmp_path}/etc/")))
    assert done.returncode == 0, done.stderr
    assert here.read_text() == "$nrconf{override_rc}{qr(^notebake-)} = 0;\n"
