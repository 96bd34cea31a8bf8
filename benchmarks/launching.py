"""From typing `notebake build` to the launch of the builder, as the sandbox has noted it."""

import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.bakes import drop_caches
from benchmarks.own_cloud import PROJECT, OwnCloud, cloud_opened
from benchmarks.program import LIMIT_SECONDS, end
from benchmarks.recipes import write_recipe

NOTEBAKE = str(Path(sys.executable).parent / "notebake")
LOOK_SECONDS = 0.2


def time_launches(times: int) -> tuple[float, list[float]]:
    """Return the seconds of the first build, with a new home and no page in memory, and of others.

    Python may not write bytecode, as in many containers.

    Raises:
        RuntimeError: a build ended before it launched anything.
    """
    with tempfile.TemporaryDirectory(prefix="notebake-bench-") as name:
        folder = Path(name)
        with cloud_opened(folder) as cloud:
            recipe = write_recipe(folder, cloud.git_url)
            drop_caches()
            first, *others = (time_launch(cloud, recipe) for _ in range(times + 1))
    return first, others


def time_launch(cloud: OwnCloud, recipe: Path) -> float:
    """Return the seconds until a build has launched its builder; then end it, and tear it down."""
    before = len(_launches(cloud))
    environment = {**cloud.environment, "PYTHONDONTWRITEBYTECODE": "1"}
    log = cloud.folder / "build.log"
    with log.open("wb") as stream:
        began = time.time()
        process = subprocess.Popen(
            [NOTEBAKE, "build", str(recipe)],
            env=environment,
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    try:
        while len(launches := _launches(cloud)) == before:
            if process.poll() is not None or time.time() - began > LIMIT_SECONDS:
                raise RuntimeError(f"Nothing was launched:\n{log.read_text()}")
            time.sleep(LOOK_SECONDS)
        process.send_signal(signal.SIGINT)
        process.wait(LIMIT_SECONDS)
    finally:
        end(process)
    tear_down(cloud)
    return max(launches) - began


def tear_down(cloud: OwnCloud) -> None:
    """Remove what the builds have left, so that nothing boots beside the next one."""
    listed = _notebake(cloud, "history", "list", "--open", "--json")
    for run in json.loads(listed)["runs"]:
        _notebake(cloud, "tear-down", run["run_id"])


def _launches(cloud: OwnCloud) -> list[float]:
    calls = cloud.ask("calls")
    return [
        call["time"] for call in calls if (call["action"], call["code"]) == ("RunInstances", "OK")
    ]


def _notebake(cloud: OwnCloud, *words: str) -> str:
    done = subprocess.run(
        [NOTEBAKE, *words],
        env=cloud.environment,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_SECONDS,
    )
    if done.returncode:
        raise RuntimeError(f"`notebake {' '.join(words)}` failed:\n{done.stderr}")
    return done.stdout
