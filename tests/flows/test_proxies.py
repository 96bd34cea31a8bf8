"""The command itself where proxies are named: nothing of this machine arrives there."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest

from notebake.aws.inventory import list_resources
from notebake.runs.open_store import open_store
from notebake.runs.registry import new_run
from tests.cloud_steps import carry_out_to
from tests.cloud_world import RECIPE, REGION
from tests.limits import HANG_SECONDS
from tests.store_world import LOCATION, world_with_bucket

ROOT = Path(__file__).parents[2]
SPELLINGS = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[bytes]]]:
    """The address of a proxy that leads nowhere, and what has been asked of it."""
    seen: list[bytes] = []

    class Recorder(StreamRequestHandler):
        def handle(self) -> None:
            seen.append(self.request.recv(65536))

    with ThreadingTCPServer(("127.0.0.1", 0), Recorder) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}", seen
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("scheme", "no_proxy"),
    [("http://", "example.org"), ("socks5h://", ""), ("socks://", "fd00::/8")],
)
def test_a_tear_down_with_its_own_server_does_not_use_the_proxy(
    scheme: str, no_proxy: str, proxy: tuple[str, list[bytes]], tmp_path: Path
) -> None:
    address, seen = proxy
    with world_with_bucket(tmp_path):
        run = new_run(RECIPE, "/home/ada/ocean.yaml", open_store(LOCATION))
        carry_out_to(run, "launch_instance")

        kept = {name: it for name, it in os.environ.items() if not name.startswith("PREFECT_")}
        kept |= {name: f"{scheme}{address}" for name in SPELLINGS} | {"NO_PROXY": no_proxy}
        done = subprocess.run(
            [sys.executable, "-m", "flows.cli.main", "--store", LOCATION, "tear-down", run.id],
            cwd=ROOT,
            env=kept | {"NOTEBAKE_HOME": str(tmp_path / "home"), "NOTEBAKE_RUNS": ""},
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
            check=False,
        )

        assert done.returncode == 0, done.stdout + done.stderr
        assert list_resources(REGION, run.id) == []
    assert seen == []
    assert not (tmp_path / "home" / "server.json").exists(), "it had a server of its own"
    assert (tmp_path / "home" / "server.log").exists()
