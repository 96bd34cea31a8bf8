from pathlib import Path
from subprocess import CompletedProcess

import pytest

from notebake.commands.acceptance import ask_machine, parse_inspection
from tests.unit.shell_world import ShellWorld, shell_world

MACHINE_ID = "0123456789abcdef0123456789abcdef"
SYSTEMCTL = """
case "$*" in
    "is-enabled --quiet "*amazon*) exit 1 ;;
    *"$FAILS"*) exit 3 ;;
esac
"""


@pytest.fixture
def world(tmp_path: Path) -> ShellWorld:
    """A machine from an image on which all is well."""
    world = shell_world(tmp_path)
    world.fake("sudo", '"$@"')
    world.fake("systemctl", SYSTEMCTL)
    world.fake("findmnt", 'case "$*" in *"$NOT_MOUNTED"*) exit 1 ;; esac')
    world.fake("sshd", "echo 'trustedusercakeys none'; echo \"$SSHD\"")
    world.environment |= {"FAILS": "nothing", "NOT_MOUNTED": "nothing", "SSHD": "port 22"}
    for path, text in {
        "etc/machine-id": f"{MACHINE_ID}\n",
        "home/ubuntu/.ssh/authorized_keys": "ssh-ed25519 AAAA second\n",
        "root/.ssh/authorized_keys": "",
        "run/notebake/check-lease": "",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return world


def ask(world: ShellWorld) -> CompletedProcess[str]:
    command = ask_machine(user="ubuntu", mount_points=["/data", "/archive"])
    for place in ("/etc/", "/home/", "/root/", "/run/"):
        command = command.replace(place, f"{world.directory}{place}")
    return world.run(command)


def test_a_machine_on_which_all_is_well_shows_its_identity(world: ShellWorld) -> None:
    done = ask(world)
    shown = parse_inspection(done.stdout)
    assert (done.returncode, shown.machine_id, shown.login_methods) == (0, MACHINE_ID, ())
    assert {call.split()[-1] for call in world.calls if "findmnt" in call} == {"/data", "/archive"}


def test_other_ways_to_log_in_are_shown_even_without_an_identity(world: ShellWorld) -> None:
    world.environment["SSHD"] = "trustedusercakeys /etc/ssh/ca.pub"
    (world.directory / "etc/machine-id").write_text("")
    shown = parse_inspection(ask(world).stdout)
    assert shown.machine_id == ""
    assert shown.login_methods == (
        "sshd accepts logins by its setting trustedusercakeys /etc/ssh/ca.pub",
    )


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("NOT_MOUNTED", "/archive", "nothing is mounted at /archive"),
        ("FAILS", "is-active --quiet notebake-lease.timer", "notebake-lease.timer does not run"),
        ("FAILS", "start notebake-lease.service", "notebake-lease.service fails"),
        ("FAILS", "is-enabled --quiet notebake-idle.timer", "notebake-idle.timer is not enabled"),
    ],
)
def test_what_does_not_work_is_named(
    world: ShellWorld, name: str, value: str, complaint: str
) -> None:
    world.environment[name] = value
    done = ask(world)
    assert (done.returncode, done.stdout) == (1, "")
    assert complaint in done.stderr


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("home/ubuntu/.ssh/authorized_keys", "ssh-ed25519 AAAA second\nssh-rsa AAAA first\n"),
        ("home/ubuntu/.ssh/authorized_keys", ""),
        ("root/.ssh/authorized_keys", "ecdsa-sha2-nistp256 AAAA first\n"),
    ],
)
def test_a_key_too_many_or_none_is_refused(world: ShellWorld, path: str, keys: str) -> None:
    (world.directory / path).write_text(keys)
    done = ask(world)
    assert (done.returncode, done.stdout) == (1, "")
    assert "does not accept exactly one login key" in done.stderr


def test_an_identity_that_cannot_be_read_is_an_error(world: ShellWorld) -> None:
    (world.directory / "etc/machine-id").unlink()
    assert ask(world).returncode == 1
