"""The commands of docs/prefect-shared.md for a server, typed on a real host with systemd."""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from notebake.project import PROJECT
from notebake.waiting import wait_until
from tests.limits import HANG_SECONDS
from tests.sandbox.own_home import home_opened
from tests.sandbox.test_hosts import Cloud, make_key
from tests.shared.server import AUTH_STRING, PASSWORD

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(
        not os.environ.get("NOTEBAKE_TEST_ALL"), reason="installs PostgreSQL: make test-all"
    ),
]
DOCUMENT = PROJECT / "docs" / "prefect-shared.md"
ASK = """
import json, sys, urllib.request, base64, os
request = urllib.request.Request(
    "http://127.0.0.1:4200/api" + sys.argv[1],
    data=sys.argv[2].encode() if len(sys.argv) > 2 else None,
    headers={"Content-Type": "application/json"},
)
if password := os.environ.get("PASSWORD"):
    coded = base64.b64encode(password.encode()).decode()
    request.add_header("Authorization", f"Basic {coded}")
try:
    print(urllib.request.urlopen(request).read().decode())
except urllib.error.HTTPError as error:
    print(json.dumps(error.code))
"""


@dataclass(frozen=True)
class OnServer:
    """A host on which the project lies in /opt/notebake."""

    cloud: Cloud

    def run(self, script: str) -> str:
        return self.cloud.ssh("i-1", script)

    def ask(self, path: str, body: object = None, *, password: str = AUTH_STRING) -> Any:
        """Return what the server's API answers, or the code with which it refuses."""
        words = f"'{path}'" + ("" if body is None else f" '{json.dumps(body)}'")
        printed = self.run(f"cd /; PASSWORD={password} python3 /opt/ask.py {words}")
        return json.loads(printed)


def blocks() -> tuple[str, str]:
    """Return the two blocks of commands in the document."""
    first, second = re.findall(r"^```bash\n(.*?)^```", DOCUMENT.read_text(), re.M | re.S)
    return first, second


def lay_project(upper: Path) -> None:
    """Put the project and its environment where the units expect it."""
    place = upper / "opt" / "notebake"
    skipped = shutil.ignore_patterns(".git", ".venv", "__pycache__", "*.pyc")
    shutil.copytree(PROJECT, place, ignore=skipped, symlinks=True)
    environment = Path(sys.prefix)
    shutil.copytree(
        environment,
        place / ".venv",
        symlinks=True,
        ignore=shutil.ignore_patterns("__pycache__", "nginx", "share", "mypy*", "ruff*"),
    )
    (upper / "opt/ask.py").write_text(ASK)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnServer]:
    folder = tmp_path_factory.mktemp("server")
    with home_opened(folder / "home") as home:
        make_key(folder / "key")
        cloud = Cloud(home, folder / "key")
        cloud.create("i-1")
        lay_project(home.machines_path / "i-1" / "upper")
        cloud.boot("i-1")
        install(OnServer(cloud))
        yield OnServer(cloud)


def install(server: OnServer) -> None:
    """Type the commands of the document, and edit the two files as it says."""
    first, second = blocks()
    server.run("apt-get -qq update")
    server.run(f"cd /opt/notebake; export DEBIAN_FRONTEND=noninteractive; {quiet(first)}")
    assert server.run("stat -c '%a %U' /etc/notebake/*.env").splitlines() == ["600 root"] * 2
    for old, new in (
        ("notebake:CHANGE-THIS", AUTH_STRING),
        ("https://prefect.example.org/api", "http://127.0.0.1:4200/api"),
        ("s3://BUCKET/PREFIX", "/var/lib/notebake/runs"),
    ):
        server.run(f"grep -q '{old}' /etc/notebake/worker.env")
        server.run(f"sed -i 's|{old}|{new}|' /etc/notebake/*.env")
    begin, rest = second.split("\n", 1)
    server.run(begin)
    wait_until(
        lambda: server.run("curl -s http://127.0.0.1:4200/api/health || true") == "true" or None,
        what="the server",
        timeout_seconds=HANG_SECONDS,
    )
    typed = rest.replace(
        "read -rs PREFECT_API_AUTH_STRING", f"read -rs PREFECT_API_AUTH_STRING <<< {AUTH_STRING}"
    )
    assert typed != rest
    server.run(f"bash -euo pipefail -s <<'END'\n{typed}\nEND")


def quiet(script: str) -> str:
    """Return a script whose apt-get asks nobody."""
    return script.replace("apt-get install", "apt-get install --yes --quiet --quiet")


def test_units_run_and_let_in_whoever_knows_the_password(server: OnServer) -> None:
    units = ("notebake-prefect", "notebake-worker@1", "notebake-worker@2")
    assert [server.run(f"systemctl is-active {unit}") for unit in units] == ["active"] * 3
    assert server.ask("/flow_runs/filter", {}, password="") == 401
    assert server.ask("/flow_runs/filter", {}) == []
    assert PASSWORD not in server.run("ps -ewwo args")
    assert "notebake" in server.run("ps -o user= -p $(systemctl show -P MainPID notebake-prefect)")


def test_nothing_listens_beyond_the_server_but_its_ssh(server: OnServer) -> None:
    rows = [line.split() for line in server.run("ss -Hltn").splitlines()]
    beyond = {row[3] for row in rows if not row[3].startswith(("127.", "[::1]"))}
    assert {address.rpartition(":")[2] for address in beyond} == {"22"}


def test_a_worker_executes_a_flow_run_and_is_stopped(server: OnServer) -> None:
    wanted = {"deployments": {"name": {"any_": ["seal-record"]}}}
    (found,) = server.ask("/deployments/filter", wanted)
    begun = server.ask(f"/deployments/{found['id']}/create_flow_run", {})

    def state() -> dict[str, str] | None:
        ended: dict[str, str] = server.ask(f"/flow_runs/{begun['id']}")["state"]
        return ended if ended["type"] in ("COMPLETED", "FAILED", "CRASHED") else None

    ended = wait_until(state, what="the flow run", timeout_seconds=HANG_SECONDS)
    assert ended["type"] == "COMPLETED", ended
    assert server.run("stat -c %a /var/lib/notebake") == "700"

    server.run("systemctl stop notebake-worker@1")

    assert server.run("systemctl show -P Result notebake-worker@1") == "success"


def test_the_database_can_be_saved_as_the_document_says(server: OnServer) -> None:
    (command,) = re.findall(r"`(sudo -u notebake pg_dump [^`]+)`", DOCUMENT.read_text())
    server.run(f"cd /; {command}")
    assert "flow_run" in server.run("pg_restore --list /var/lib/notebake/prefect.dump")
