from pathlib import Path
from subprocess import CompletedProcess

import pytest

from notebake.commands.acceptance import ask_machine, parse_inspection
from tests.unit.shell_world import ShellWorld, shell_world

MACHINE_ID = "0123456789abcdef0123456789abcdef"
HOMES = {"root": "root", "daemon": "absent", "ubuntu": "srv/it's ubuntu", "bob": "home/bob"}
LOGIN = f"{HOMES['ubuntu']}/.ssh/authorized_keys"
REFUSED = (
    "no-port-forwarding,no-agent-forwarding,no-X11-forwarding,command=\"echo 'Please login as the"
    ' user \\"ubuntu\\" rather than the user \\"root\\".\';echo;sleep 10;exit 142" ssh-ed25519 '
)
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
    homes = "".join(f"{name}:x:1:1::{tmp_path}/{home}:/bin/sh\n" for name, home in HOMES.items())
    (tmp_path / "passwd").write_text(homes)
    world.fake("getent", f'[ "$1" = passwd ] && grep "^${{2:-}}" {tmp_path}/passwd')
    world.environment |= {"FAILS": "nothing", "NOT_MOUNTED": "nothing", "SSHD": "port 22"}
    for path, text in {
        "etc/machine-id": f"{MACHINE_ID}\n",
        LOGIN: "# cloud-init\n \nssh-ed25519 AAAA second\n",
        "root/.ssh/authorized_keys": "# nobody\n\n",
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
        (LOGIN, "ssh-ed25519 AAAA second\nssh-rsa AAAAB first\n"),
        (LOGIN, "ssh-ed25519 AAAA second\necdsa-sha2-nistp256 AAAAB first\n"),
        (LOGIN, "ssh-ed25519 AAAA second\nsk-ssh-ed25519@openssh.com AAAAB first\n"),
        (LOGIN, 'ssh-ed25519 AAAA second\n\tfrom="::1" cert-authority ssh-rsa AAAAB first'),
        (LOGIN, "# ssh-ed25519 AAAA second\n"),
        (LOGIN, ""),
        (f"{LOGIN}2", "ssh-rsa AAAAB first\n"),
        ("root/.ssh/authorized_keys", "ecdsa-sha2-nistp256 AAAAB first\n"),
        ("root/.ssh/authorized_keys", f"{REFUSED}AAAAB first\n"),
        ("root/.ssh/authorized_keys", "ssh-ed25519 AAAA second\n"),
        ("root/.ssh/authorized_keys2", "ssh-rsa AAAAB first\n"),
        ("home/bob/.ssh/authorized_keys", "ssh-rsa AAAAB first\n"),
    ],
)
def test_a_key_too_many_or_none_is_refused(world: ShellWorld, path: str, keys: str) -> None:
    (world.directory / path).parent.mkdir(parents=True, exist_ok=True)
    (world.directory / path).write_text(keys)
    done = ask(world)
    assert (done.returncode, done.stdout) == (1, "")
    assert "does not accept exactly one login key, but: " in done.stderr
    shown = "none" if path == LOGIN and "\nssh" not in f"\n{keys}" else f" in {world.directory}/"
    assert shown in done.stderr


def test_the_login_s_key_may_be_one_that_root_refuses(world: ShellWorld) -> None:
    """cloud-init writes it so on each machine where root may not log in."""
    (world.directory / "root/.ssh/authorized_keys").write_text(f"{REFUSED}AAAA second\n")
    assert ask(world).returncode == 0


def test_keys_that_cannot_be_read_are_an_error(world: ShellWorld) -> None:
    (world.directory / "root/.ssh/authorized_keys2").mkdir()
    assert ask(world).returncode == 1


def test_an_identity_that_cannot_be_read_is_an_error(world: ShellWorld) -> None:
    (world.directory / "etc/machine-id").unlink()
    assert ask(world).returncode == 1
