"""What builds at once need around them: a recipe, a folder, a Prefect server; and their process."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from benchmarks.scripted_cloud import Call, ScriptedCloud, cloud_started
from benchmarks.ten_notes import Called, Waited
from tests.kills.world import GIT
from tests.sandbox.bake_world import PROJECT, prefect_started, wait_for_prefect

LONGEST_SECONDS = 1200


@dataclass(frozen=True)
class Built:
    """What a process of builds took, and what the cloud saw of it."""

    builds: int
    seconds: float
    cpu_seconds: float
    loaded_mib: float
    """The memory of the process before the first build, with all that it had imported."""
    peak_mib: float
    calls: tuple[Called, ...]
    waits: tuple[Waited, ...]
    changes: tuple[Call, ...]
    """Each change of a state, as the cloud noted it."""
    cloud_cpu_seconds: float
    busy: float
    """Which part of the whole machine was at work meanwhile, whoever's work it was."""
    longest_pause_seconds: float
    """How long at most nothing of the process of the builds went on."""

    def described(self) -> Counter[tuple[str, str, str]]:
        """Return how often each Describe call was made: action, by what of ours, what for."""
        calls = [call for call in self.calls if call.action.startswith("Describe")]
        return Counter((call.action, call.by, call.purpose) for call in calls)


@dataclass(frozen=True)
class World:
    """A folder with all that builds need, and the address of a Prefect server."""

    folder: Path
    prefect_url: str
    processes: list[subprocess.Popen[str]] = field(default_factory=list)
    """Those of builds; who ends the world ends them."""
    variables: dict[str, str] = field(default_factory=dict)
    """What the processes of builds have in their environment besides."""

    def build(
        self,
        builds: int,
        *,
        latency: str = "quick",
        volumes: int = 1,
        output_mb: float = 0,
        alone: bool = False,
    ) -> Built:
        """Build so many times at once, in a process of its own, in a cloud of its own.

        With `alone` the builds share no answer of AWS.

        Raises:
            RuntimeError: one of the builds failed.
        """
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        recipe = write_recipe(folder / "ocean.yaml", volumes)
        options = ("--latency", latency, "--output-mb", str(output_mb))
        with cloud_started(recipe, *options) as cloud:
            before = machine_ticks()
            notes = self._start(folder, recipe, builds, cloud, alone=alone)
            busy, all_of_them = (
                now - then for now, then in zip(machine_ticks(), before, strict=True)
            )
            changes, cloud_cpu_seconds = tuple(cloud.changes()), cloud.cpu_seconds()
        return Built(
            builds,
            notes["seconds"],
            notes["cpu_seconds"],
            notes["loaded_kib"] / 1024,
            notes["peak_kib"] / 1024,
            tuple(Called(**fields) for fields in notes["calls"]),
            tuple(Waited(**fields) for fields in notes["waits"]),
            changes,
            cloud_cpu_seconds,
            busy / all_of_them,
            notes["longest_pause_seconds"],
        )

    def _start(
        self, folder: Path, recipe: Path, builds: int, cloud: ScriptedCloud, *, alone: bool
    ) -> Any:
        command = [sys.executable, "-m", "benchmarks.ten_builds", str(recipe)]
        command += ["--builds", str(builds), "--ssh-port", str(cloud.ssh_port)]
        command += ["--store", str(folder / "runs"), *(["--alone"] if alone else [])]
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env=self._environment(folder, cloud),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.processes.append(process)
        printed, errors = process.communicate(timeout=LONGEST_SECONDS)
        if process.returncode:
            raise RuntimeError(f"{builds} builds failed: {printed[-2000:]}{errors[-2000:]}")
        return json.loads(printed.splitlines()[-1])

    def _environment(self, folder: Path, cloud: ScriptedCloud) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "NOTEBAKE_", "PREFECT_"))
        }
        return kept | {
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_ENDPOINT_URL": cloud.url,
            "DO_NOT_TRACK": "1",
            "HOME": str(folder),
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "PREFECT_API_URL": self.prefect_url,
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            **self.variables,
        }


@contextmanager
def world_made(
    server_variables: Mapping[str, str] = MappingProxyType({}), **variables: str
) -> Iterator[World]:
    """Make a temporary world, and leave nothing of it.

    The server gets variables besides its own, and so do the processes of builds.
    """
    folder = Path(tempfile.mkdtemp(prefix="notebake-ten-"))
    try:
        for name in ("bin", "server"):
            (folder / name).mkdir()
        (folder / "bin/git").write_text(GIT)
        (folder / "bin/git").chmod(0o755)
        with prefect_started(folder / "server", server_variables) as url:
            wait_for_prefect(url)
            world = World(folder, url, variables=variables)
            try:
                yield world
            finally:
                for process in world.processes:
                    process.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def machine_ticks() -> tuple[int, int]:
    """Return how long this machine's processors have worked, and how long they have been there."""
    ticks = [int(number) for number in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, sum(ticks)


def write_recipe(path: Path, volumes: int) -> Path:
    """Write a recipe with so many volumes, a repository and a notebook in it."""
    made = [
        {"name": f"data{number}", "mount_point": f"/data{number}", "size_gib": 1}
        for number in range(volumes)
    ]
    whole = {
        "name": "ocean",
        "region": "us-west-2",
        "instance_types": ["m5.large"],
        "network": {"ssh_from": ["198.51.100.7/32"]},
        "volumes": made,
        "software": {"packages": ["numpy"]},
        "repository": {"url": "https://example.org/ocean"},
        "notebook": {"path": "chlorophyll.ipynb", "minimum_cells": 3},
        "lease_hours": 6,
    }
    path.write_text(yaml.safe_dump(whole, sort_keys=False))
    return path
