"""Prefect's server as its unit starts it: a password, no network, and flow runs that go on."""

import itertools
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments.automations import pause
from deployments.going_on import GOING_ON, QUIET_SECONDS
from deployments.heartbeats import install_automation
from flows.local_prefect.after_crash import AUTOMATION, EXECUTIONS, MESSAGE, POOL
from notebake.project import PROJECT
from notebake.waiting import wait_until
from tests.limits import HANG_SECONDS
from tests.shared.conftest import short_path, why_not
from tests.shared.server import PASSWORD, UnitServer, unit_server


@pytest.fixture(scope="module")
def server() -> Iterator[UnitServer]:
    if reason := why_not():
        pytest.skip(reason)
    with short_path() as home, unit_server(home) as started:
        yield started


@pytest.fixture
def automations(server: UnitServer) -> None:
    """What `python -m deployments.heartbeats --go-on` installs."""
    words = [sys.executable, "-m", "deployments.heartbeats", "--go-on", server.url]
    done = subprocess.run(
        words, env=server.environment(), cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_only_who_knows_the_password_is_let_in(server: UnitServer) -> None:
    wanted = f"{server.url}/api/flow_runs/filter"
    assert httpx.post(wanted, json={}, trust_env=False).status_code == 401
    wrong = httpx.BasicAuth("notebake", "wrong")
    assert httpx.post(wanted, json={}, auth=wrong, trust_env=False).status_code == 401
    with server.api as client:
        assert client.post("/flow_runs/filter", json={}).status_code == 200

    command = [sys.executable, "-m", "deployments.heartbeats", server.url]
    without = {**server.environment(), "PREFECT_API_AUTH_STRING": ""}
    refused = subprocess.run(
        command, env=without, cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert "401" in refused.stderr


def test_the_password_stands_in_no_command(server: UnitServer) -> None:
    read = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        read += 1
        assert PASSWORD.encode() not in words
    assert read
    variables = Path(f"/proc/{server.pid}/environ")
    assert PASSWORD.encode() in variables.read_bytes()
    assert variables.stat().st_mode & 0o077 == 0, "only its user reads them"


def test_nothing_listens_beyond_this_machine(server: UnitServer) -> None:
    record = (server.home / "postgresql.json").read_text()
    cluster = int(record.partition('"pid":')[2].partition(",")[0])
    assert listening(server.pid) == {"0100007F"}
    assert listening(cluster) == set(), "PostgreSQL has a socket in a directory only"
    socket = server.home / "postgresql" / "socket"
    assert socket.stat().st_mode & 0o777 == 0o700
    assert (socket / ".s.PGSQL.5432").is_socket()


@pytest.mark.skipif(os.geteuid() != 0, reason="takes the places of other users")
def test_postgresql_lets_in_nobody_else(server: UnitServer) -> None:
    command = ["psql", "-h", str(server.home / "postgresql/socket"), "-U", "notebake", "notebake"]
    command += ["-Atc", "SELECT current_user"]
    assert (
        subprocess.run(command, capture_output=True, text=True, check=True).stdout == "notebake\n"
    )
    for name in ("nobody", "postgres"):
        user = pwd.getpwnam(name)
        refused = subprocess.run(
            command,
            user=user.pw_uid,
            group=user.pw_gid,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        assert refused.returncode != 0
        assert "Permission denied" in refused.stderr


def listening(pid: int) -> set[str]:
    """Return the addresses, as the kernel writes them, on which a process listens."""
    inodes = {
        link.readlink().name.removeprefix("socket:[").removesuffix("]")
        for link in Path(f"/proc/{pid}/fd").iterdir()
        if str(link.readlink()).startswith("socket:[")
    }
    lines = itertools.chain.from_iterable(
        Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")
    )
    rows = [line.split() for line in lines]
    return {row[1].partition(":")[0] for row in rows if row[3] == "0A" and row[9] in inodes}


class Crashing:
    """Flow runs that nobody executes: their states are set as processes, workers, people do."""

    def __init__(self, api: httpx.Client) -> None:
        self.api = api
        self.flow_id = self._create("/flows/", name="a flow")["id"]

    def _create(self, path: str, **body: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.api.post(path, json=body).raise_for_status().json()
        return made

    def begin(self, pool: str = POOL, executions: int = 1) -> str:
        """Return a flow run of a deployment in the pool, which runs for the n-th time."""
        self.api.post("/work_pools/", json={"name": pool, "type": "process"})
        deployment = self._create(
            "/deployments/", name=f"of {pool}", flow_id=self.flow_id, work_pool_name=pool
        )
        path = f"/deployments/{deployment['id']}/create_flow_run"
        flow_run = str(self._create(path, state={"type": "SCHEDULED"})["id"])
        for _ in range(executions - 1):
            self.set(flow_run, "RUNNING")
            self.set(flow_run, "FAILED")
        self.set(flow_run, "RUNNING")
        return flow_run

    def set(
        self, flow_run: str, state: str, name: str | None = None, *, force: bool = True
    ) -> None:
        body = {"state": {"type": state, "name": name}, "force": force}
        self.api.post(f"/flow_runs/{flow_run}/set_state", json=body).raise_for_status()

    def state(self, flow_run: str) -> tuple[str, str | None]:
        found = self.api.get(f"/flow_runs/{flow_run}").raise_for_status().json()["state"]
        return found["name"], found["message"]

    def history(self, flow_run: str) -> list[str]:
        found = self.api.get("/flow_run_states/", params={"flow_run_id": flow_run})
        every = sorted(found.raise_for_status().json(), key=lambda state: str(state["timestamp"]))
        return [str(state["name"]) for state in every]


@pytest.mark.usefixtures("automations")
def test_a_crashed_flow_run_goes_on_by_itself_and_no_other(server: UnitServer) -> None:
    with server.api as api:
        runs = Crashing(api)
        cancelled, retried, failed = runs.begin(), runs.begin(), runs.begin()
        cancelling = runs.begin()
        tired, theirs, awake = runs.begin(executions=EXECUTIONS), runs.begin("theirs"), runs.begin()
        last = runs.begin(executions=EXECUTIONS - 1)
        for flow_run in (retried, tired, theirs, awake, last):
            runs.set(flow_run, "CRASHED")
        runs.set(cancelled, "CANCELLED")
        runs.set(failed, "FAILED")
        runs.set(cancelling, "CANCELLING")
        runs.set(cancelling, "CRASHED", force=False)
        runs.set(retried, "SCHEDULED", "AwaitingRetry")
        runs.set(awake, "RUNNING")
        # Crashed later than the others: once it goes on, they would have.
        killed = runs.begin()
        runs.set(killed, "CRASHED")
        runs.set(killed, "CRASHED")

        wait_until(
            lambda: runs.state(killed)[0] != "Crashed" or None,
            what="the crashed flow run to go on",
            timeout_seconds=HANG_SECONDS,
        )

        assert runs.state(killed) == ("AwaitingRetry", MESSAGE)
        assert runs.state(last) == ("AwaitingRetry", MESSAGE)
        assert runs.state(retried)[1] != MESSAGE, "somebody had pressed Retry already"
        for flow_run, name in (
            (cancelled, "Cancelled"),
            (failed, "Failed"),
            (cancelling, "Cancelling"),
            (tired, "Crashed"),
            (theirs, "Crashed"),
            (awake, "Running"),
        ):
            assert runs.state(flow_run)[0] == name
        assert runs.history(killed)[-3:] == ["Crashed", "Crashed", "AwaitingRetry"]


@pytest.mark.usefixtures("automations")
def test_what_make_down_interrupts_does_not_go_on_later(
    server: UnitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", f"notebake:{PASSWORD}")
    with server.api as api:
        runs = Crashing(api)
        pause(server.url, AUTOMATION)
        interrupted = runs.begin()
        runs.set(interrupted, "CRASHED")

        install_automation(server.url, goes_on=True)

        killed = runs.begin()
        runs.set(killed, "CRASHED")
        wait_until(
            lambda: runs.state(killed)[0] == "AwaitingRetry" or None,
            what="the crashed flow run to go on",
            timeout_seconds=HANG_SECONDS,
        )
        assert runs.state(interrupted)[0] == "Crashed"


def test_the_second_report_of_a_worker_does_not_overwrite_the_start() -> None:
    """Prefect's worker reports a dead process at once, and about five seconds later."""
    assert GOING_ON["trigger"]["within"] == QUIET_SECONDS
    assert QUIET_SECONDS >= 2 * 5
