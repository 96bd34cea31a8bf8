"""The cleaning scripts as text; tests/sandbox/test_clean.py runs them on a real host."""

import shutil
import subprocess
from pathlib import Path
from threading import Event, Thread

import pytest

from notebake.commands.clean import clean_machine, remove_login, scan_and_clean
from notebake.commands.clean_files import (
    CLEAN_PACKAGE_CACHES,
    REMOVE_CHECKPOINTS,
    STOP_PACKAGE_JOBS,
)
from notebake.commands.credential_scan import scan_machine
from notebake.commands.lease_timer import TIMER
from notebake.commands.shell import FIND_PRESENT, script
from tests.unit.shell_world import ShellWorld, shell_world

NASTY = "/a b'c\"d$(touch INJECTED)`touch INJECTED`;&|*?\\e"
SCRIPTS = {
    "all": scan_and_clean(
        program=f"print({NASTY!r})", user=NASTY, units=[NASTY], mount_points=[NASTY]
    ),
    "clean": clean_machine(user=NASTY, units=[NASTY], mount_points=[NASTY], keep=[NASTY]),
    "scan": scan_machine(scanner_path=NASTY, user=NASTY, mount_points=[NASTY]),
    "login": remove_login(user=NASTY, also=[NASTY]),
}


def run_bash(*arguments: str, script: str) -> subprocess.CompletedProcess[str]:
    command = [shutil.which("bash") or "bash", *arguments]
    return subprocess.run(command, input=script, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_script_is_valid_bash_with_hostile_names(name: str) -> None:
    done = run_bash("-n", script=SCRIPTS[name])
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["clean", "login"])
def test_a_machine_that_notebake_did_not_build_is_refused_before_anything_else(
    name: str, tmp_path: Path
) -> None:
    """Safe to run anywhere: the guard is cut off from all that follows it."""
    guard = "\n".join(SCRIPTS[name].splitlines()[:5])
    assert guard.count("exit 1") == 3
    assert "[ -d /var/lib/notebake ] ||" in guard
    absent = guard.replace("/var/lib/notebake", str(tmp_path / "absent"))
    done = run_bash(script=f"id() {{ echo 0; }}\n{absent}\necho went on")
    assert done.returncode == 1
    assert "was not built by notebake" in done.stderr
    assert done.stdout == ""


def test_the_clean_script_keeps_the_login() -> None:
    script = clean_machine(user="ubuntu")
    assert "ssh_host" not in script
    for line in script.splitlines():
        if "authorized_keys" in line:
            assert '[ "$home" = "$login_home" ] ||' in line


def test_cloud_init_forgets_the_machine_before_anything_is_removed() -> None:
    script = clean_machine(user="ubuntu", units=["jupyter.service"])
    forgets = script.index("cloud-init clean")
    assert script.index("systemctl stop -- jupyter.service") < forgets
    body = script[script.index("systemctl list-units --type=timer") :]
    assert "rm --" not in body[: body.index("cloud-init clean")]
    assert "wipe " not in body[: body.index("cloud-init clean")]


def test_the_key_of_the_login_user_is_the_last_thing_removed() -> None:
    script = remove_login(user="ubuntu", also=["/etc/systemd/system/switch.timer"])
    last = script.index('wipe "$login_home"/.ssh/authorized_keys')
    assert script.index("wipe /etc/ssh/ssh_host_*") < last
    assert script.index(": > /etc/machine-id") < last
    assert script.index('wipe "${also[@]}"') < last
    assert "wipe" not in script[last + 1 :]


def test_an_outer_volume_is_scanned_before_a_nested_one() -> None:
    script = scan_machine(scanner_path="/s", user="u", mount_points=["/data/deep", "/data"])
    assert "points=(/data /data/deep)" in script


@pytest.fixture
def world(tmp_path: Path) -> ShellWorld:
    return shell_world(tmp_path)


def test_timers_are_stopped_by_their_very_names(world: ShellWorld) -> None:
    names = [r"dev-disk\x2dcheck.timer", "apt-daily.timer", TIMER]
    lines = "\n".join(f"{name} loaded active waiting" for name in names)
    world.fake("systemctl", f"[ $1 != list-units ] || cat <<'END'\n{lines}\nEND")
    stopping = STOP_PACKAGE_JOBS[: STOP_PACKAGE_JOBS.index("\n", STOP_PACKAGE_JOBS.index("xargs"))]

    done = world.run(script(stopping))

    assert (done.returncode, done.stderr) == (0, "")
    assert world.calls[-1] == rf"systemctl stop -- {names[0]} {names[1]}"


def test_package_caches_are_cleaned_also_where_there_is_no_srv(world: ShellWorld) -> None:
    world.fake("apt-get", "")
    text = CLEAN_PACKAGE_CACHES
    for folder in ("/var/lib/apt/lists", "/opt", "/srv", "/usr/local"):
        text = text.replace(folder, f"{world.directory}{folder}")
    for folder in ("opt/conda/conda-meta", "opt/conda/pkgs", "usr/local", "var/lib/apt/lists"):
        (world.directory / folder).mkdir(parents=True)

    done = world.run(script(FIND_PRESENT, f'homes=("{world.directory}/gone")', text))

    assert (done.returncode, done.stderr) == (0, "")
    assert [entry.name for entry in (world.directory / "opt/conda").iterdir()] == ["conda-meta"]


def test_a_folder_that_vanishes_before_find_looks_into_it_is_passed_over(
    world: ShellWorld, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place, over = tmp_path_factory.mktemp("place"), Event()
    (world.directory / "home/.ipynb_checkpoints").mkdir(parents=True)
    find = f'{shutil.which("find")} "$@" || {{ code=$?; touch fired; exit $code; }}'
    world.fake("find", find)

    def make_and_remove() -> None:
        while not over.is_set():
            for number in range(20):
                (place / f"{number}/inner").mkdir(parents=True)
            for number in range(20):
                shutil.rmtree(place / f"{number}")

    folders = f'homes=("{world.directory}/home") places=("{place}")'
    loop = f"for turn in {{1..500}}; do\n[ ! -e fired ] || break\n{REMOVE_CHECKPOINTS}\ndone"
    thread = Thread(target=make_and_remove)
    thread.start()
    try:
        done = world.run(script(FIND_PRESENT, folders, loop, "echo on"))
    finally:
        over.set()
        thread.join()

    assert (world.directory / "fired").exists()
    assert (done.returncode, done.stdout, done.stderr) == (0, "on\n", "")
    assert not (world.directory / "home/.ipynb_checkpoints").exists()


@pytest.mark.parametrize("errors", ["find: 'x': Permission denied", ""])
def test_what_find_cannot_look_into_is_an_error(world: ShellWorld, errors: str) -> None:
    gone = "find: 'y': No such file or directory\n" if errors else ""
    world.fake("find", f'echo found; printf %s "{gone}{errors}" >&2; exit 1')
    done = world.run(script(FIND_PRESENT, "find_present x | cat", "echo on"))
    assert (done.returncode, done.stdout) == (1, "found\n")
    assert errors in done.stderr


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_cleaning_fails_for_what_vanishes_meanwhile(name: str) -> None:
    finds = [line for line in SCRIPTS[name].splitlines() if line.strip().startswith("find ")]
    assert finds == []
