"""Builds of the terminal with a Prefect server of our own, of which a program takes the place."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from unittest import mock

import pytest

from flows.cli.exit_codes import DONE, FAILED
from flows.cli.main import main
from flows.local_prefect import server, session
from flows.local_prefect.server import is_running
from flows.terminal import approval_prompt
from notebake.errors import PreflightError
from notebake.runs.approvals.approval_log import read_questions
from notebake.runs.open_store import open_store
from notebake.runs.recorded_run import read_recorded_run
from notebake.runs.registry import list_runs
from notebake.runs.run import Run
from tests.cloud_world import CloudWorld
from tests.flows.baked_without_hosts import bake_without_hosts

pytestmark = [
    pytest.mark.usefixtures("prefect_server"),
    # Nobody reaps our server: it may outlive whoever started it.
    pytest.mark.filterwarnings("ignore:.*Popen.__del__:pytest.PytestUnraisableExceptionWarning"),
]
RECIPE = "name: ocean\nnetwork: {ssh_from: [198.51.100.7/32]}\nshare_with: ['210987654321']\n"
HEALTHY = """
import socket, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Healthy(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

serving = HTTPServer(("127.0.0.1", 0), Healthy, bind_and_activate=False)
serving.socket = socket.socket(fileno=int(sys.argv[2]))
serving.serve_forever()
"""
"""Says that it is well, as Prefect's server does. The flows use the server of the tests."""


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Let our own server be that program; give the addresses of those that were started."""
    urls: list[str] = []
    real = server.wait_for_server

    def wait_for_server(started: server.Server) -> None:
        urls.append(started.url)
        real(started)

    monkeypatch.setattr(server, "SERVER", (sys.executable, "-c", HEALTHY))
    monkeypatch.setattr(server, "wait_for_server", wait_for_server)
    # With settings of its own a flow would get threads that outlive the server of the tests.
    monkeypatch.setattr(session, "without_heartbeats", nullcontext)
    monkeypatch.setattr("tasks.preflight.check_everything", lambda _run: [])
    bake_without_hosts(monkeypatch)
    with mock.patch.dict(os.environ):
        os.environ.pop("PREFECT_API_URL", None)
        yield urls
    server.stop_server()


def build(world: CloudWorld, more: str) -> int:
    path = world.directory / "ocean.yaml"
    path.write_text(RECIPE + more)
    return main(["--store", str(world.directory / "runs"), "build", str(path)])


@pytest.mark.parametrize("what", ["bake", "share"])
def test_what_is_approved_in_the_terminal_goes_on_with_the_same_server(
    world: CloudWorld, monkeypatch: pytest.MonkeyPatch, started: list[str], what: str
) -> None:
    typed = io.StringIO("approve\nAda\nfor May\n")
    typed.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdin", typed)
    asked: list[bool] = []
    ask = approval_prompt.ask_line

    def ask_line(line: str) -> str:
        asked.append(is_running())
        return ask(line)

    monkeypatch.setattr(approval_prompt, "ask_line", ask_line)

    assert build(world, f"approve: [{what}]\n") == DONE

    assert asked == [True, True, True], "it stays while the process that uses it waits"
    assert len(started) == 1
    assert not is_running()
    (question,) = read_questions(str(world.directory / "runs")).values()
    assert question.is_approved


def test_what_preflight_finds_is_said_before_prefect_is_there(
    world: CloudWorld,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    started: list[str],
) -> None:
    def refuse(_run: Run) -> list[object]:
        raise PreflightError("Nothing was made: ocean cannot be built.")

    monkeypatch.setattr("tasks.preflight.check_everything", refuse)

    assert build(world, "") == FAILED

    assert "Nothing was made: ocean cannot be built." in capsys.readouterr().err
    assert not started, "nobody waits for a server that nobody looks at"
    (listed,) = list_runs(open_store(str(world.directory / "runs")))
    (execution,) = read_recorded_run(listed.id, str(world.directory / "runs")).summary.executions
    assert execution.started_by == "notebake build"
    assert not is_running()
