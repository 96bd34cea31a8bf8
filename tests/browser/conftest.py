"""A sandbox, and a Prefect server with a worker as `make up` starts them, in a home of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.browser.person import Person, sitting_at, why_not
from tests.limits import HANG_SECONDS
from tests.sandbox.bake_world import PROJECT, Cloud, cloud_opened

START = """
import os, sys
from deployments.local import start_worker
cloud = {name: text for name, text in os.environ.items() if name.startswith("AWS_")}
sys.stdout.write(start_worker(cloud, agreed=True))
"""
END = """
from deployments.worker import end_worker
from flows.local_prefect.server import read_state, stop_server
if started := read_state():
    end_worker(started)
stop_server()
"""


@dataclass(frozen=True)
class Desk:
    """Where a person starts builds: the cloud, a folder for recipes, and the UI's address."""

    cloud: Cloud
    folder: Path
    url: str

    def write_recipe(self, name: str, **parts: object) -> str:
        """Write a recipe with small disks and nothing but JupyterLab, changed by these parts."""
        whole = {
            "name": name,
            "root_volume": {"size_gib": 8},
            "software": {"manager": "pip"},
            "tags": {"Project": "fleet"},
            "lease_hours": 1,
            **parts,
        }
        path = self.folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(whole, sort_keys=False))
        return str(path)


def run(program: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    if reason := why_not():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("desk")
    with cloud_opened(folder / "sandbox") as cloud:
        inherited = {
            name: text for name, text in os.environ.items() if not name.startswith("PREFECT_")
        }
        environment = inherited | cloud.environment | {"NOTEBAKE_HOME": str(folder / "home")}
        environment.pop("NOTEBAKE_RUNS", None)
        try:
            yield Desk(cloud, folder, run(START, environment))
        finally:
            run(END, environment)


@pytest.fixture(scope="session")
def person(desk: Desk) -> Iterator[Person]:
    with sitting_at(desk.url) as someone:
        yield someone
