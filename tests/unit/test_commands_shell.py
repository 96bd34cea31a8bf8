import getpass
import os
import pwd
from pathlib import Path

import pytest

from notebake.commands.shell import (
    NETWORK_ENVIRONMENT,
    as_root,
    as_user,
    fail,
    script,
    write_file,
)
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


ENVIRONMENT_LINES = {
    "no_proxy=localhost, 127.0.0.1": {"no_proxy": "localhost, 127.0.0.1"},
    "A=$HOME (a) `touch INJECTED` $(touch INJECTED) \\ & ;": {
        "A": "$HOME (a) `touch INJECTED` $(touch INJECTED) \\ & ;"
    },
    "export A=a": {"A": "a"},
    "export  A=a": {},
    "  \tA=a": {"A": "a"},
    "A=a b  ": {"A": "a b  "},
    'A="a b"': {"A": "a b"},
    "A='a'b'": {"A": "a'b"},
    """A="it's\'""": {"A": "it's"},
    'A="open': {"A": "open"},
    'A=a "b" c': {"A": 'a "b" c'},
    "A=": {"A": ""},
    'A=""': {"A": ""},
    "A='": {"A": ""},
    "A==a": {"A": "=a"},
    "A=http://a#b": {"A": "http://a"},
    'A="a # b" # c': {"A": "a "},
    "# A=a": {},
    "A=a\nA=b": {"A": "b"},
    "A=a\\\n  B=b\nC=c": {"A": "a  B=b", "C": "c"},
    "A=a # b\\\nC=c": {"A": "a ", "C": "c"},
    "A = a": {},
    "A-B=a": {},
    "A": {},
    "=a": {},
    "A=~/ä": {"A": "~/ä"},
    "UID=7\nA=a": {"A": "a"},
    "IFS=a\nA=a": {"A": "a"},
}
"""What pam_env 1.5.2 sets for such lines, but for UID, which bash keeps for itself, and IFS."""


@pytest.mark.parametrize("lines", ENVIRONMENT_LINES)
@pytest.mark.parametrize("end", ["\n", ""])
def test_the_environment_is_read_as_pam_reads_it(
    world: ShellWorld, tmp_path: Path, lines: str, end: str
) -> None:
    (tmp_path / "environment").write_text(lines + end)
    load = NETWORK_ENVIRONMENT.replace("/etc/environment", str(tmp_path / "environment"))
    done = world.run(script("env --null > before", load, "env --null > after", 'echo "$#"'))
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr
    before, after = (
        dict(each.split("=", 1) for each in (tmp_path / name).read_text().split("\0") if each)
        for name in ("before", "after")
    )
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    assert changed == ENVIRONMENT_LINES[lines]


def test_a_machine_without_an_environment_file_is_as_well(world: ShellWorld) -> None:
    load = NETWORK_ENVIRONMENT.replace("/etc/environment", "/absent")
    assert world.run(script(load, "echo on")).stdout == "on\n"
