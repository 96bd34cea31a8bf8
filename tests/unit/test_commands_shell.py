import getpass
import os
import pwd
from pathlib import Path

import pytest

from notebake.commands.shell import as_root, as_user, fail, script, write_file
from tests.unit.shell_world import NASTY, ShellWorld, shell_world


@pytest.fixture
def world(tmp_path: Path) -> ShellWorld:
    return shell_world(tmp_path)


def test_a_script_ends_at_the_first_failure(world: ShellWorld) -> None:
    answer = world.run(script("echo one", "false | cat", "echo two"))
    assert (answer.returncode, answer.stdout) == (1, "one\n")


def test_root_and_users_get_their_text_unchanged(world: ShellWorld) -> None:
    printed = f"printf %s {NASTY!r}"
    plain = world.run(printed).stdout
    assert world.run(as_root(printed)).stdout == plain
    assert world.run(as_user(getpass.getuser(), printed)).stdout == plain


def test_a_user_works_at_home_with_the_environment_kept(world: ShellWorld) -> None:
    world.environment["SSL_CERT_FILE"] = "/certificates"
    answer = world.run(as_user(getpass.getuser(), 'echo "$PWD $HOME $SSL_CERT_FILE"'))
    home = pwd.getpwuid(os.getuid()).pw_dir
    assert answer.stdout.split() == [home, home, "/certificates"]


def test_a_file_is_written_whole_with_its_mode(world: ShellWorld, tmp_path: Path) -> None:
    path = tmp_path / NASTY.replace("/", "_") / "file"
    text = script(write_file(str(path), f"{NASTY}\n%s\n", mode="0600", owner=getpass.getuser()))
    assert world.run(text).returncode == 0
    assert path.read_text() == f"{NASTY}\n%s\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_a_failure_prints_its_reason(world: ShellWorld) -> None:
    answer = world.run("found='x'; " + fail('no "disk" `here` $found'))
    assert (answer.returncode, answer.stderr) == (1, 'notebake: no "disk" `here` x\n')
