"""One sandbox, one Prefect server and one baked image for all tests of whole bakes."""

import hashlib
import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.limits import HANG_SECONDS
from tests.sandbox.bake_world import (
    cloud_opened,
    prefect_started,
    wait_for,
    wait_for_prefect,
)
from tests.sandbox.bakery import Bakery, Done, RunFolder
from tests.sandbox.rebake_world import RebakeWorld, rebake_world_opened

FIELD = b"depth temperature\n" * 1000


@pytest.fixture(scope="session")
def bakery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bakery]:
    folder = tmp_path_factory.mktemp("bakery")
    (folder / "server").mkdir()
    with (
        prefect_started(folder / "server") as prefect_url,
        cloud_opened(folder / "home") as cloud,
    ):
        wait_for_prefect(prefect_url)
        yield Bakery(cloud, prefect_url, folder)


@dataclass(frozen=True)
class Baked:
    """An image that one command made, with what was secret while it was made."""

    done: Done
    run: RunFolder
    tokens: frozenset[str]
    """The tokens of JupyterLab on all machines of the run, read from their disks."""


@pytest.fixture(scope="session")
def baked(bakery: Bakery) -> Baked:
    """Bake with a repository, a dataset and two volumes, once for all tests."""
    address = bakery.cloud.serve("field", {"README.md": "# Field\n"}, bakery.folder / "field")
    (bakery.folder / "web").mkdir()
    (bakery.folder / "web/field.txt").write_bytes(FIELD)
    with files_served(bakery.cloud.home.gateway, bakery.folder / "web") as url:
        recipe = bakery.write_recipe(
            "plain",
            volumes=[
                {"name": "data", "mount_point": "/data", "size_gib": 1},
                {"name": "old", "mount_point": "/old", "size_gib": 1, "file_system": "xfs"},
            ],
            repository={"url": address, "ref": "main", "path": "/data/field"},
            datasets=[
                {
                    "name": "field",
                    "source": f"{url}/field.txt",
                    "path": "/old/field.txt",
                    "sha256": hashlib.sha256(FIELD).hexdigest(),
                }
            ],
        )
        process = bakery.start("build", str(recipe))
        tokens: set[str] = set()

        def has_ended() -> bool:
            tokens.update(tokens_on_disk(bakery))
            return process.poll() is not None

        wait_for(has_ended, "the build", HANG_SECONDS)
    printed = process.stdout.read() if process.stdout else ""
    process.communicate()
    done = Done(process.returncode, printed)
    assert done.exit_code == 0, done.printed
    return Baked(done, bakery.run_of("plain"), frozenset(tokens))


@pytest.fixture(scope="session")
def image(bakery: Bakery, baked: Baked) -> dict[str, Any]:
    wanted = [{"Name": "tag:notebake:run", "Values": [baked.run.id]}]
    found: dict[str, Any] = bakery.cloud.ec2().describe_images(Filters=wanted)["Images"][0]
    return found


@pytest.fixture(scope="module")
def rebake_world(bakery: Bakery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RebakeWorld]:
    with rebake_world_opened(bakery, tmp_path_factory.mktemp("archives")) as opened:
        yield opened


def tokens_on_disk(bakery: Bakery) -> Iterator[str]:
    """Give the tokens that stand in the machines' file systems now."""
    for path in bakery.cloud.home.machines_path.glob("*/upper/etc/notebake/jupyter-token"):
        try:
            token = path.read_bytes().strip()
            # While it is wiped it holds anything.
            if re.fullmatch(rb"[0-9a-f]{48}", token):
                yield token.decode()
        except OSError:
            continue


@contextmanager
def files_served(address: str, folder: Path, fetched: list[str] | None = None) -> Iterator[str]:
    """Serve a folder by HTTP while the block runs; `fetched` gets the paths of what is sent."""
    handler = partial(Quiet, directory=str(folder), fetched=[] if fetched is None else fetched)
    with http.server.ThreadingHTTPServer((address, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://{address}:{server.server_port}"
        server.shutdown()
        thread.join()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Logs nothing but what it has sent."""

    def __init__(self, *request: Any, fetched: list[str], directory: str) -> None:
        self.fetched = fetched
        super().__init__(*request, directory=directory)

    def do_GET(self) -> None:
        self.fetched.append(self.path)
        super().do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""
