"""From typing `notebake build` to the launch of the builder, as the sandbox has noted it."""

import json
import signal
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.bakes import drop_caches
from benchmarks.own_cloud import OwnCloud, cloud_opened, run
from benchmarks.program import LIMIT_SECONDS, running
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
    began = time.time()
    with (
        log.open("wb") as stream,
        running([NOTEBAKE, "build", str(recipe)], environment, stream) as process,
    ):
        while len(launches := _launches(cloud)) == before:
            if process.poll() is not None or time.time() - began > LIMIT_SECONDS:
                raise RuntimeError(f"Nothing was launched:\n{log.read_text()}")
            time.sleep(LOOK_SECONDS)
        process.send_signal(signal.SIGINT)
        process.wait(LIMIT_SECONDS)
    tear_down(cloud)
    return max(launches) - began


def tear_down(cloud: OwnCloud) -> None:
    """Remove what the builds have left, so that nothing boots beside the next one."""
    listed = run([NOTEBAKE, "history", "list", "--open", "--json"], cloud.environment)
    for listed_run in json.loads(listed)["runs"]:
        run([NOTEBAKE, "tear-down", listed_run["run_id"]], cloud.environment)


def _launches(cloud: OwnCloud) -> list[float]:
    calls = cloud.ask("calls")
    return [
        call["time"] for call in calls if (call["action"], call["code"]) == ("RunInstances", "OK")
    ]
