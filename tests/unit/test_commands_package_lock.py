"""Holders of a package lock are found by asking the kernel, and not by process names."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from notebake.commands.package_lock import LOCK_FILES, find_holder, wait_for_lock
from notebake.commands.shell import script

HOLD = """
import fcntl, sys
file = open(sys.argv[1], "a")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def ask(*files: Path) -> str:
    command = find_holder(tuple(map(str, files)))
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    return done.stdout


@contextmanager
def held(path: Path, *, by: str = sys.executable) -> Iterator[subprocess.Popen[str]]:
    """Hold a lock as apt and dpkg do, in a process of its own."""
    words = [by, "-c", HOLD, str(path)]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as lock_file:
        assert lock_file.stdout
        assert lock_file.stdout.readline() == "held\n"
        try:
            yield lock_file
        finally:
            lock_file.kill()


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, ...]:
    """The lock files of a machine; one of them was never made."""
    made = tuple(tmp_path / Path(file).name for file in LOCK_FILES)
    for path in made[:-1]:
        path.touch(exist_ok=True)
    return made


def test_an_unlocked_lock_file_is_free(files: tuple[Path, ...]) -> None:
    assert ask(*files) == ""
    assert files[0].exists(), "and it stays where it is"


@pytest.mark.parametrize("index", range(len(LOCK_FILES)))
def test_the_holder_of_each_lock_is_named(files: tuple[Path, ...], index: int) -> None:
    with held(files[index]) as holder:
        findings = ask(*files)
    assert findings.startswith(f"process {holder.pid} ({sys.executable} -c")
    assert findings.endswith(f" holds {files[index]}\n")
    assert ask(*files) == ""


@pytest.mark.parametrize("name", ["unattended-upgr", "apt-get", "dpkg"])
def test_the_name_of_a_process_alone_is_not_a_lock(
    files: tuple[Path, ...], tmp_path: Path, name: str
) -> None:
    """On Ubuntu a process called unattended-upgr waits for the shutdown as long as it is up."""
    program = tmp_path / "bin" / name
    program.parent.mkdir()
    shutil.copy(shutil.which("sleep") or "", program)
    with subprocess.Popen([program, "60"]) as waiting:
        try:
            named = subprocess.run(["pgrep", "--exact", name], capture_output=True, check=False)
            assert str(waiting.pid) in named.stdout.decode().split()
            assert ask(*files) == ""
        finally:
            waiting.kill()


def test_waiting_for_a_lock_names_its_holder_at_once(files: tuple[Path, ...]) -> None:
    text = script(wait_for_lock(60, tuple(map(str, files))), "echo free")
    with held(files[0]) as holder:
        words = ["bash", "-c", text]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as waiting:
            assert waiting.stdout
            line = waiting.stdout.readline()
            holder.kill()
            assert waiting.stdout.read().endswith("free\n")
    assert f"process {holder.pid} (" in line
    assert waiting.returncode == 0


def test_a_lock_that_stays_is_an_error_that_names_its_holder(files: tuple[Path, ...]) -> None:
    text = script(wait_for_lock(1, tuple(map(str, files))), "echo free")
    with held(files[1]) as holder:
        done = subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Timed out after 1 s waiting for a lock of the package manager" in done.stderr
    assert f"process {holder.pid} (" in done.stderr
    assert "free\n" not in done.stdout.splitlines()
    assert all(file.exists() for file in files[:2]), "a lock file is never removed"
