"""Missing requirements of a host are reported before anything is installed on it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import create_autospec

import pytest

from notebake import clock
from notebake.aws.account import read_time
from notebake.commands.boot import STILL_BOOTING
from notebake.commands.fitness import (
    LIST_LOGIN_METHODS,
    PRINT_FITNESS,
    parse_fitness,
    parse_login_methods,
)
from notebake.errors import DiskFullError, HostCommandError, NotebakeError, WaitTimeoutError
from notebake.machines import boot, fitness
from notebake.recipe import Recipe
from notebake.runs.run import Run
from notebake.ssh import remote as ssh
from notebake.ssh.host import Host
from notebake.timeouts import CLOCK_SYNC_SECONDS, PACKAGE_LOCK_SECONDS
from tests.kills.virtual_clock import BEGINNING, VirtualClock
from tests.unit.shell_world import shell_world

RUN = Run(id="r", recipe=Recipe(name="a"), store="/nowhere")
HOST = Host(
    instance_id="i-0abc", address="10.0.0.1", user="ubuntu", private_key_path="k", host_key="h"
)
GOOD = f"clock: {BEGINNING:.0f}\nroom: 4000000000 8000000000 900 1000 /\n"


@contextmanager
def answering(monkeypatch: pytest.MonkeyPatch, *answers: str) -> Iterator[VirtualClock]:
    """Let the host give these answers, the last one for ever, in a time that passes at once."""
    left = list(answers)
    run = create_autospec(ssh.run_command)
    run.side_effect = lambda *_, **__: left.pop(0) if len(left) > 1 else left[0]
    monkeypatch.setattr(ssh, "run_command", run)
    virtual = VirtualClock()
    with clock.replaced(virtual):
        yield virtual


def set_aws_time(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    read = create_autospec(read_time, return_value=BEGINNING + seconds)
    monkeypatch.setattr(fitness, "read_time", read)


def test_a_host_that_meets_every_requirement_is_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(monkeypatch, GOOD):
        fitness.check_fitness(RUN, HOST)


@pytest.mark.parametrize(
    ("line", "words", "hint"),
    [
        ("sudo: sudo: a password is required", "a password is required", "NOPASSWD"),
        ("sudo: sudo: sorry, you must have a tty to run sudo", "must have a tty", "requiretty"),
        (
            "switch: notebake-lease.timer does not run",
            "The dead-man switch of i-0abc is not armed, so nothing would end that machine",
            "bootcmd",
        ),
        (
            "room: 0 8589934592 900 1000 /",
            "no space left on /, 0 of 8.0 GiB free",
            "root_volume.size_gib",
        ),
    ],
)
def test_a_missing_requirement_is_named_with_a_hint(
    monkeypatch: pytest.MonkeyPatch, line: str, words: str, hint: str
) -> None:
    with (
        answering(monkeypatch, f"{GOOD}{line}\n"),
        pytest.raises(NotebakeError) as caught,
    ):
        fitness.check_fitness(RUN, HOST)
    assert words in caught.value.message
    assert "10.0.0.1" in caught.value.message or "i-0abc" in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("off", "words"), [(-3600, "60 minutes behind this computer's"), (7200, "120 minutes ahead of")]
)
def test_a_permanently_wrong_clock_is_reported_with_its_difference(
    monkeypatch: pytest.MonkeyPatch, off: int, words: str
) -> None:
    set_aws_time(monkeypatch, 0)
    with (
        answering(monkeypatch, f"clock: {BEGINNING + off:.0f}") as virtual,
        pytest.raises(NotebakeError, match="certificates and apt's Release files") as caught,
    ):
        fitness.check_fitness(RUN, HOST)
    assert words in caught.value.message
    assert "chrony" in caught.value.hint
    assert virtual.seconds <= CLOCK_SYNC_SECONDS + 5


def test_a_clock_that_is_synchronised_soon_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    set_aws_time(monkeypatch, 0)
    wrong = f"clock: {BEGINNING - 3600:.0f}"
    with answering(monkeypatch, wrong, wrong, GOOD):
        fitness.check_fitness(RUN, HOST)


def test_a_wrong_local_clock_is_not_blamed_on_the_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_aws_time(monkeypatch, -3600)
    with answering(monkeypatch, f"clock: {BEGINNING - 3600:.0f}"):
        fitness.check_fitness(RUN, HOST)


def test_a_lock_that_is_never_released_is_reported_with_its_holder(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    holder = "process 812 (/usr/bin/python3 /usr/bin/unattended-upgrade) holds /var/lib/dpkg/lock"
    with (
        answering(monkeypatch, holder) as virtual,
        pytest.raises(WaitTimeoutError) as caught,
    ):
        fitness.wait_for_package_lock(HOST)
    assert holder in caught.value.message
    assert virtual.seconds >= PACKAGE_LOCK_SECONDS
    assert any(holder in message for message in caplog.messages), (
        "it is shown while it is waited for"
    )


def test_a_lock_that_is_released_in_time_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(monkeypatch, "process 1 (apt-get update) holds /var/lib/apt/lists/lock", ""):
        fitness.wait_for_package_lock(HOST)


def test_the_fitness_command_reports_problems_in_a_real_shell(tmp_path: Path) -> None:
    world = shell_world(tmp_path)
    world.fake("sudo", "echo 'We trust you have received the usual lecture' >&2; exec true")
    world.fake("systemctl", "exit 3")
    printed = world.run(PRINT_FITNESS).stdout
    found = parse_fitness(printed)
    assert found.sudo_error == "", "a lecture is no refusal"
    assert "notebake-lease.timer does not run" in found.switch_error
    assert found.clock_seconds is not None
    assert abs(found.clock_seconds - clock.now()) < 300
    assert found.full_disk is None
    world.fake("sudo", "echo 'sudo: a terminal is required to read the password' >&2; exit 1")
    assert "a terminal is required" in parse_fitness(world.run(PRINT_FITNESS).stdout).sudo_error


def test_login_methods_beside_keys_are_reported() -> None:
    printed = (
        "sshd: authorizedkeyscommand /usr/share/ec2-instance-connect/eic_run_authorized_keys %u\n"
        "agent: snap.amazon-ssm-agent.amazon-ssm-agent.service\n"
        "sshd: trustedusercakeys /etc/ssh/ca.pub\n"
    )
    assert parse_login_methods(printed) == (
        "EC2 Instance Connect accepts the logins that IAM allows",
        "the agent of AWS Systems Manager opens the sessions that IAM allows",
        "sshd accepts logins by its setting trustedusercakeys /etc/ssh/ca.pub",
    )
    assert parse_login_methods("") == ()


EIC = "/usr/share/ec2-instance-connect/eic_run_authorized_keys"
PLAIN = "argv[]=/usr/sbin/sshd -D"
AS_ON_UBUNTU = {
    "systemd 249": f"{PLAIN} -o AuthorizedKeysCommand {EIC} %u %f"
    " -o AuthorizedKeysCommandUser ec2-instance-connect $SSHD_OPTS",
    "with quotation marks": f'{PLAIN} -o "AuthorizedKeysCommand {EIC} %u %f"'
    ' -o "AuthorizedKeysCommandUser ec2-instance-connect" $SSHD_OPTS',
}
"""ExecStart of ssh.service with the drop-in of Ubuntu's package ec2-instance-connect."""


def login_methods(tmp_path: Path, **shown: str) -> tuple[str, ...]:
    """Return what a host shows whose sshd has this configuration and these units."""
    world = shell_world(tmp_path)
    world.environment |= {"T": "", "ExecStart": "", "MainPID": "0"} | shown
    world.fake("sshd", 'echo "$T"')
    show = "name=${2#*=}; echo; printf '%s\\n' \"${!name}\""
    world.fake("systemctl", f"[ $1 != is-enabled ] || exit 1\n[ $1 != show ] || {{ {show}; }}")
    done = world.run(LIST_LOGIN_METHODS)
    assert (done.returncode, done.stderr) == (0, "")
    return parse_login_methods(done.stdout)


@pytest.mark.parametrize("arguments", AS_ON_UBUNTU.values(), ids=AS_ON_UBUNTU)
def test_instance_connect_is_found_on_the_command_line_of_sshd(
    tmp_path: Path, arguments: str
) -> None:
    start = f"{{ path=/usr/sbin/sshd ; {arguments} ; ignore_errors=no ; pid=0 ; code=(null) }}"
    settings = "authorizedkeyscommand none\nauthorizedkeyscommanduser none\ntrustedusercakeys none"
    assert login_methods(tmp_path, T=settings, ExecStart=start) == (
        "EC2 Instance Connect accepts the logins that IAM allows",
    )


def test_an_authority_that_the_running_sshd_was_given_is_found_once(tmp_path: Path) -> None:
    daemon = [sys.executable, "-c", "input()", "-oTrustedUserCAKeys=/etc/ca.pub", "-o", "Port 22"]
    with subprocess.Popen(daemon, stdin=subprocess.PIPE) as running:
        found = login_methods(tmp_path, T="trustedusercakeys /etc/ca.pub", MainPID=str(running.pid))
        alone = login_methods(tmp_path, MainPID=str(running.pid))
        running.communicate(b"\n")
    expected = ("sshd accepts logins by its setting trustedusercakeys /etc/ca.pub",)
    assert (found, alone) == (expected, expected)


def test_a_host_with_keys_alone_shows_no_other_method(tmp_path: Path) -> None:
    assert login_methods(tmp_path, T="trustedusercakeys none", ExecStart=PLAIN) == ()


def test_a_file_that_did_not_fit_is_reported_as_a_full_disk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        answering(monkeypatch, "room: 0 8589934592 900 1000 /data"),
        pytest.raises(DiskFullError, match="no space left on /data") as caught,
        fitness.naming_full_disk(HOST),
    ):
        raise HostCommandError("10.0.0.1", "sftp /data/.field", 1, "Failure")
    assert "volume at /data" in caught.value.hint


def test_a_file_refused_for_another_reason_keeps_its_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        answering(monkeypatch, GOOD),
        pytest.raises(HostCommandError, match="Failure"),
        fitness.naming_full_disk(HOST),
    ):
        raise HostCommandError("10.0.0.1", "sftp /data/.field", 1, "Failure")


def test_an_endless_boot_reports_its_current_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    message = ssh.Answer(
        STILL_BOOTING, "status: running detail: Running in stage: modules-final", ""
    )
    tried = create_autospec(ssh.try_command, return_value=message)
    monkeypatch.setattr(ssh, "try_command", tried)
    with (
        clock.replaced(VirtualClock()),
        pytest.raises(NotebakeError, match="modules-final") as caught,
    ):
        boot.wait_for_first_boot(HOST, 600)
    assert not isinstance(caught.value, WaitTimeoutError), "it let us in: nobody replaces it"
    assert tried.call_count > 10
