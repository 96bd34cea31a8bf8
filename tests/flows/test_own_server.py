"""Our own Prefect server: there when it is needed, shared, and gone after the last who needs it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from flows.local_prefect.server import open_port
from flows.local_prefect.session import reraise_lost_interrupt
from tests.limits import HANG_SECONDS

PROJECT = Path(__file__).parents[2]
USED = """
import json, sys
from flows.local_prefect.server import is_running, read_state, responds
from flows.local_prefect.session import prefect_server

def said(how):
    with prefect_server() as wait_for_prefect:
        was_imported = "prefect" in sys.modules
        if how == "interrupted":
            raise KeyboardInterrupt
        wait_for_prefect()
        from prefect.settings import get_current_settings
        url = read_state().url
        with prefect_server() as wait_again:
            wait_again()
        settings = get_current_settings()
        return [was_imported, responds(url), settings.api.url == url + "/api",
                settings.flows.heartbeat_frequency]

try:
    inside = said(sys.argv[1])
except KeyboardInterrupt:
    inside = "interrupted"
print(json.dumps([inside, is_running()]))
"""


@pytest.mark.parametrize(
    ("how", "inside"),
    [("used", [False, True, True, None]), ("interrupted", "interrupted")],
)
def test_our_own_server_runs_for_the_block_only(how: str, inside: object, tmp_path: Path) -> None:
    variables = {name: it for name, it in os.environ.items() if not name.startswith("PREFECT_")}
    done = subprocess.run(
        [sys.executable, "-c", USED, how],
        cwd=PROJECT,
        env=variables | {"HOME": str(tmp_path), "NOTEBAKE_HOME": str(tmp_path / "notebake")},
        capture_output=True,
        text=True,
        check=True,
        timeout=HANG_SECONDS,
    )

    assert json.loads(done.stdout.splitlines()[-1]) == [inside, False]
    assert not (tmp_path / "notebake" / "server.json").exists()


def test_a_chosen_port_is_reserved_for_one_server() -> None:
    with open_port() as ours, open_port() as another, socket.socket() as rival:
        addresses = [ours.getsockname(), another.getsockname()]
        assert addresses[0] != addresses[1]
        # As uvicorn and others bind. Before the first one listens, both would have the port.
        rival.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="already in use"):
            rival.bind(addresses[0])
        with socket.create_connection(addresses[0]):
            pass


def test_a_server_whose_port_is_taken_says_so_and_touches_no_database(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [
            sys.executable,
            "-m",
            "flows.local_prefect.server_program",
            str(taken.getsockname()[1]),
        ]
        done = subprocess.run(
            command,
            cwd=PROJECT,
            env={**os.environ, "PREFECT_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=HANG_SECONDS,
        )

    assert done.returncode != 0
    assert "Address already in use" in done.stderr
    assert not (tmp_path / "prefect.db").exists()


def test_a_swallowed_interrupt_is_raised_again() -> None:
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    before = signal.getsignal(signal.SIGINT)
    lost: list[str] = []

    def lose_it() -> None:
        with suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(10)
        lost.append("in silence")

    with pytest.raises(KeyboardInterrupt), reraise_lost_interrupt():
        lose_it()

    assert lost == ["in silence"]
    assert signal.getsignal(signal.SIGINT) is before
    signal.signal(signal.SIGINT, inherited)


def test_without_an_interrupt_nothing_is_raised() -> None:
    with reraise_lost_interrupt():
        reported = "nothing"

    assert reported == "nothing"
