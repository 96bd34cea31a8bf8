"""The commands of detached work, run by a real bash with a small imitation of systemd."""

import secrets
import shlex
import subprocess
import time
from pathlib import Path

import pytest

from notebake.commands import detached as commands
from notebake.commands.detached import (
    CARRIED_BYTES,
    pack_script,
    parse_status,
    read_status,
    start_work,
    stop_other_work,
    upload_path,
)
from notebake.commands.disk_space import find_full
from notebake.errors import HostCommandError
from notebake.ssh.detached import check_result, log_lines
from notebake.ssh.host import Host
from tests.limits import HANG_SECONDS
from tests.unit.shell_world import NASTY, ShellWorld, shell_world

NAME = "install_software-0123456789abcdef"
SYSTEMCTL = """
[ "$1" = is-active ] || exit 0
state=$(cat "{home}/state" 2>/dev/null || echo inactive)
case $* in *--quiet*) ;; *) echo "$state" ;; esac
[ "$state" = active ]
"""
# As systemd does it: the work in the background, its end told to ExecStopPost by two variables.
SYSTEMD_RUN = """
for word; do case $word in
    --property=StandardOutput=append:*) log=${word#*append:} ;;
    --property=ExecStopPost=*) ended=${word#*Post=} ;;
    --property=RuntimeMaxSec=*) limit=${word#*Sec=} ;;
esac; done
shift $(( $# - 2 ))
(
    timeout "$limit" "$@" >> "$log" 2>&1 < /dev/null
    code=$?
    case $code in 0) result=success ;; 124) result=timeout ;; *) result=exit-code ;; esac
    SERVICE_RESULT=$result EXIT_STATUS=$code $ended
) > /dev/null 2>&1 9<&- &
"""


class Detached:
    """A host's home directory, with the commands that we send to it."""

    def __init__(self, world: ShellWorld) -> None:
        self.world = world
        world.fake("systemctl", SYSTEMCTL.format(home=world.directory))
        world.fake("systemd-run", SYSTEMD_RUN)

    def start(self, script: str, *, seconds: int = 60, request_id: str = "1") -> None:
        carried = pack_script(script)
        if carried is None:
            Path(upload_path(NAME)).write_text(script)
        command = start_work(NAME, seconds, request_id=request_id, carried=carried)
        done = self.world.run(command)
        assert done.returncode == 0, done.stderr

    def read(self, offset: int = 0) -> tuple[str, bytes]:
        done = self.world.run(read_status(NAME, offset))
        assert done.returncode == 0, done.stderr
        reading = parse_status(done.stdout)
        assert find_full(reading.room) is None
        return reading.result, reading.more

    def read_to_end(self) -> tuple[str, bytes]:
        printed = b""
        deadline = time.monotonic() + HANG_SECONDS
        while True:
            result, more = self.read(len(printed))
            printed += more
            if result and not more:
                return result, printed
            assert time.monotonic() < deadline

    @property
    def was_started(self) -> int:
        return sum(call.startswith("systemd-run") for call in self.world.calls)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Detached:
    monkeypatch.setattr(commands, "ROOT", str(tmp_path / "run" / "work"))
    monkeypatch.setattr(commands, "UPLOADS", str(tmp_path))
    return Detached(shell_world(tmp_path))


def test_work_runs_to_completion_and_returns_its_output(host: Detached) -> None:
    host.start("echo one; echo two >&2; pwd > /dev/null")

    assert host.read_to_end() == ("success 0", b"one\ntwo\n")


def test_waiting_for_news_starts_no_program(host: Detached) -> None:
    for program in ("sleep", "stat"):
        host.world.fake(program, "exit 1")
    host.start("timeout 0.5 tail --follow /dev/null; echo news")

    result, more = host.read()

    assert (result, more) in {("", b"news\n"), ("success 0", b"news\n")}
    assert not [call for call in host.world.calls if call.startswith(("sleep", "stat"))]
    assert host.read_to_end() == ("success 0", b"news\n")


def test_a_script_that_is_too_long_for_a_command_line_is_uploaded(host: Detached) -> None:
    long = f"echo one\n# {secrets.token_hex(CARRIED_BYTES)}"
    assert pack_script(long) is None

    host.start(long)

    assert host.read_to_end() == ("success 0", b"one\n")
    assert not Path(upload_path(NAME)).exists(), "what was uploaded is taken away"


def test_a_failure_reports_its_exit_code(host: Detached) -> None:
    host.start("set -e; echo before; (exit 37); echo after")

    assert host.read_to_end() == ("exit-code 37", b"before\n")


def test_work_that_times_out_is_killed_and_reported(host: Detached) -> None:
    host.start("echo began; sleep 600", seconds=1)

    assert host.read_to_end() == ("timeout 124", b"began\n")


@pytest.mark.parametrize("state", ["active", "activating", "deactivating"])
def test_running_work_is_found_and_not_started_again(host: Detached, state: str) -> None:
    host.start("echo first; sleep 0.3; echo last")
    (host.world.directory / "state").write_text(state)

    host.start("echo another one")

    assert host.was_started == 1
    assert host.read_to_end() == ("success 0", b"first\nlast\n")


def test_finished_work_is_repeated_for_a_new_request(host: Detached) -> None:
    host.start("echo once")
    host.read_to_end()

    host.start("echo twice", request_id="2")

    assert host.was_started == 2
    assert host.read_to_end() == ("success 0", b"twice\n")


def test_failed_work_restarts_with_a_new_log(host: Detached) -> None:
    host.start("echo in vain; exit 1")
    assert host.read_to_end()[0] == "exit-code 1"

    host.start("echo better", request_id="2")

    assert host.was_started == 2
    assert host.read_to_end() == ("success 0", b"better\n")


def test_repeating_a_lost_request_starts_nothing(host: Detached) -> None:
    host.start("echo in vain; exit 1", request_id="1")
    assert host.read_to_end()[0] == "exit-code 1"

    host.start("echo in vain; exit 1", request_id="1")

    assert host.was_started == 1
    assert host.read_to_end() == ("exit-code 1", b"in vain\n")


def test_repeating_a_request_starts_work_that_never_began(host: Detached) -> None:
    systemd_run = (host.world.directory / "bin/systemd-run").read_text()
    host.world.fake("systemd-run", "exit 1")
    Path(upload_path(NAME)).write_text("true")
    assert host.world.run(start_work(NAME, 60, request_id="1")).returncode == 1
    (host.world.directory / "bin/systemd-run").write_text(systemd_run)

    host.start("echo begun", request_id="1")

    assert host.read_to_end() == ("success 0", b"begun\n")


def test_a_binary_log_is_read_completely_in_pieces_of_any_size(host: Detached) -> None:
    text = "Überströmung: 温度 … " * 9000
    (host.world.directory / "text").write_text(text)
    host.start(f"cat {host.world.directory}/text; printf '\\xff\\x00\\xfe'")

    result, printed = host.read_to_end()

    assert len(printed) > 2 * 65536, "it takes several readings"
    assert result == "success 0"
    assert printed == text.encode() + b"\xff\x00\xfe"


def test_reading_continues_from_any_offset(host: Detached) -> None:
    host.start("printf 'aäöü'")
    host.read_to_end()

    assert [host.read(offset)[1] for offset in range(7)] == [
        "aäöü".encode()[offset:] for offset in range(7)
    ]


def test_a_read_without_new_output_waits_for_some(host: Detached) -> None:
    host.start("sleep 1; echo news; sleep 1")

    assert host.read(0) == ("", b"news\n"), "one question is enough"


def test_reading_work_that_was_not_started_is_an_error(host: Detached) -> None:
    assert host.world.run(read_status("never-started", 0)).returncode == 3


def test_a_script_may_hold_anything(host: Detached) -> None:
    host.start(f"cat << 'END'\n{NASTY}\nEND\n" + "# padding\n" * 20_000)
    assert pack_script("# padding\n" * 20_000), "what goes in small is carried, however long it is"

    assert host.read_to_end() == ("success 0", f"{NASTY}\n".encode())


def test_a_refused_start_leaves_no_upload_behind(host: Detached) -> None:
    host.world.fake("systemd-run", "echo no >&2; exit 1")
    Path(upload_path(NAME)).write_text("true")

    done = host.world.run(start_work(NAME, 60, request_id="1"))

    assert done.returncode == 1
    assert not Path(upload_path(NAME)).exists()


def test_lines_split_between_reads_are_logged_whole(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    text = "Strömung\nzwei\nohne Ende".encode()
    shown = b""
    for end in range(1, len(text) + 1):
        shown += log_lines(text[len(shown) : end], is_complete=False)
    log_lines(text[len(shown) :], is_complete=True)

    assert caplog.messages == ["Strömung", "zwei", "ohne Ende"]
    assert all(getattr(record, "remote", False) for record in caplog.records)


def test_the_commands_are_valid_shell() -> None:
    starts = (
        start_work(NAME, 5, request_id="1", carried=carried)
        for carried in (None, pack_script("true"))
    )
    for command in (*starts, read_status(NAME, 7)):
        assert subprocess.run(["bash", "-n", "-c", command], check=False).returncode == 0


def test_other_work_of_the_same_kind_is_stopped(host: Detached) -> None:
    listed = "".join(
        f"notebake-notebook-{number}.service loaded active running x\n" for number in "ab"
    )
    host.world.fake("systemctl", f'[ "$1" != list-units ] || printf %s {shlex.quote(listed)}')

    done = host.world.run(stop_other_work("notebook-*", "notebook-b"))

    assert done.returncode == 0, done.stderr
    assert host.world.calls[-1] == "systemctl stop -- notebake-notebook-a.service"
    assert "notebake-notebook-*" in host.world.calls[0]


def test_work_killed_by_a_signal_is_not_done() -> None:
    host = Host(
        instance_id="i-1",
        address="10.0.0.1",
        user="ubuntu",
        private_key_path="key",
        host_key="ssh-ed25519 A",
    )
    assert check_result(host, NAME, "success 0", "all of it", 60) == "all of it"
    with pytest.raises(HostCommandError) as error:
        check_result(host, NAME, "success TERM", "half of it", 60)
    assert "half of it" in error.value.message
