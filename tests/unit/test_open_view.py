"""What `open` shows in a pipe: each thing once, and calmly."""

import datetime

import pytest

from flows.terminal.open_view import OpenView
from notebake import clock
from notebake.errors import HostUnreachableError, NextCommand, NotebakeError
from notebake.servers.folders import NewServer
from notebake.servers.idle_state import IdleState
from notebake.servers.line_events import LineLost, LineUp, Trouble
from notebake.ssh.host import Host
from notebake.timestamps import utc_from_seconds

HOST = Host(
    instance_id="i-1",
    address="203.0.113.7",
    user="ubuntu",
    private_key_path="key",
    host_key="ssh-ed25519 AAAA",
)


def state(minutes: float | None, why: str = "idle") -> IdleState:
    now = utc_from_seconds(clock.now())
    stops_at = None if minutes is None else now + datetime.timedelta(minutes=minutes)
    return IdleState(stops_at=stops_at, why=why if stops_at else None)


def new_view() -> OpenView:
    return OpenView(
        NewServer(name="ocean", owner="ada", region="us-west-2"), on_open=lambda _: None
    )


def test_a_stop_is_warned_of_once_and_taken_back(
    capsys: pytest.CaptureFixture[str],
) -> None:
    view = new_view()
    for minutes in (30, 9, 8, 1, None, None):
        view.idle(state(minutes))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ocean stops in 9 min, because nobody uses it."
    assert lines[1].split(":")[0] == "To keep it"
    assert lines[1].endswith("notebake keep ocean --for 1h --owner ada")
    assert lines[2:] == ["ocean does not stop for now."]


def test_a_key_is_offered_where_there_are_keys(
    capsys: pytest.CaptureFixture[str],
) -> None:
    view = new_view()
    view.has_keys = True
    view.idle(state(2))
    assert "in 2 min, because nobody uses it. Press k" in capsys.readouterr().out


def test_an_end_that_no_key_moves_offers_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    view = new_view()
    view.has_keys = True
    view.idle(state(5, "daily end"))
    said = "ocean stops in 5 min, because it has reached its daily end.\n"
    assert capsys.readouterr().out == said


def test_a_machine_that_boots_is_waited_for_without_an_errno(
    capsys: pytest.CaptureFixture[str],
) -> None:
    view, refused = new_view(), HostUnreachableError("203.0.113.7: [Errno 111] Connect call failed")
    view.line(Trouble(refused))
    assert capsys.readouterr().out == "ocean does not answer over ssh yet; waiting until it does\n"
    view.line(LineUp(HOST, at=1, silent_since=None))
    view.line(Trouble(refused))
    assert "[Errno 111]" in capsys.readouterr().out, "later it is news"


def test_a_lost_line_and_its_cause_are_said_with_what_to_type(
    capsys: pytest.CaptureFixture[str],
) -> None:
    view = new_view()
    view.line(LineLost(at=1, silent_since=0))
    error = NotebakeError("ocean is stopped.").with_next(NextCommand(("open", "ocean"), "Start"))
    view.line(Trouble(error))
    lines = capsys.readouterr().out.splitlines()
    assert "dialling" in lines[0]
    assert lines[1] == "ocean is stopped."
    assert lines[2].endswith("notebake open ocean")
