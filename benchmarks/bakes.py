"""One bake with one tool in a sandbox of its own: when each part of it began and ended."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.own_cloud import REGION, OwnCloud, cloud_opened
from benchmarks.processors import apart, kept_to, machines_watched
from benchmarks.program import LIMIT_SECONDS, Ended, run_to_end
from benchmarks.recipes import write_recipe
from notebake.commands.software import BASE_PACKAGES
from notebake.commands.uv import uv_requirement
from notebake.recipe import Recipe
from notebake.recipe.file import load_recipe

TEMPLATE = Path(__file__).parent / "packer/image.pkr.hcl"
NOT_PROVISIONED = ("instance_store",)
"""Parts of the rehearsal's recipe that a bake without proofs has no counterpart for."""
DROP_CACHES = Path("/proc/sys/vm/drop_caches")
PHASES = ("before the launch", "launch to stop", "stop to image", "after the image")


@dataclass(frozen=True)
class Setting:
    """Where and how fast bakes are made."""

    latency: str = "quick"
    """As the sandbox names it."""
    seed: int = 0
    """What the sandbox draws its times by: the same for both tools."""
    is_apart: bool = True
    """Whether the machines and the API have a processor, and the tool has another one."""

    def options(self) -> list[str]:
        """Return the options of `python -m sandbox up`."""
        return ["--latency", self.latency, "--seed", str(self.seed)]


@dataclass(frozen=True)
class Bake:
    """One bake, in seconds."""

    tool: str
    launch_to_image: float
    whole: float
    phases: tuple[float, ...]
    """As PHASES names them: they add up to the whole."""
    load: float = 0.0
    """The machine's load average at the end: how much else went on."""


def bake_with_notebake(cloud: OwnCloud) -> Ended:
    """Build, prove and tear down; Prefect's server is started and ended with it."""
    recipe = write_recipe(cloud.folder, cloud.git_url, without=NOT_PROVISIONED)
    command = [sys.executable, "-m", "flows.cli.main", "build", str(recipe)]
    return run_to_end(command, cloud.environment, cloud.folder / "notebake.log")


def bake_with_packer(cloud: OwnCloud) -> Ended:
    """Build with the template and the script that lie beside this file."""
    recipe = load_recipe(write_recipe(cloud.folder, cloud.git_url, without=NOT_PROVISIONED))
    values = packer_values(cloud, recipe)
    command = ["packer", "build", "-color=false", "-timestamp-ui"]
    command += [word for name, value in values.items() for word in ("-var", f"{name}={value}")]
    environment = {
        **cloud.environment,
        "AWS_MAX_ATTEMPTS": str(LIMIT_SECONDS),
        "AWS_POLL_DELAY_SECONDS": "1",
        "CHECKPOINT_DISABLE": "1",
        "PACKER_CACHE_DIR": str(cloud.folder / "packer-cache"),
        "PACKER_CONFIG_DIR": str(cloud.folder),
    }
    return run_to_end([*command, str(TEMPLATE)], environment, cloud.folder / "packer.log")


def packer_values(cloud: OwnCloud, recipe: Recipe) -> dict[str, str]:
    """Return what the template is told: the same software, repository and notebook as ours."""
    return {
        "endpoint": cloud.api_url,
        "region": REGION,
        "uv_requirement": uv_requirement(),
        "packages": " ".join((*BASE_PACKAGES, *recipe.software.packages)),
        "repository": recipe.repository.url if recipe.repository else "",
        "notebook": recipe.notebook.path or "",
    }


TOOLS: dict[str, Callable[[OwnCloud], Ended]] = {
    "Packer": bake_with_packer,
    "notebake": bake_with_notebake,
}


def bake(tool: str, log_folder: Path, setting: Setting) -> Bake:
    """Bake once, with nothing kept from before, and keep the tool's output."""
    with ExitStack() as stack:
        folder = stack.enter_context(own_folder())
        cloud, tools = stack.enter_context(set_up(folder, setting))
        drop_caches()
        try:
            with kept_to(tools):
                done = TOOLS[tool](cloud)
            found = measured(tool, done, cloud.ask("calls"), cloud.ask("changes"))
            return replace(found, load=os.getloadavg()[0])
        finally:
            for log in folder.glob("*.log"):
                shutil.copy(log, log_folder)


@contextmanager
def set_up(folder: Path, setting: Setting) -> Iterator[tuple[OwnCloud, set[int]]]:
    """Start a sandbox; give it, and the processors that the tool is to use.

    Raises:
        RuntimeError: machine and tool were to be apart, and were not.
    """
    everything = os.sched_getaffinity(0)
    machines, tools = apart() if setting.is_apart else (everything, everything)
    with ExitStack() as stack:
        with kept_to(machines):
            cloud = stack.enter_context(cloud_opened(folder, *setting.options()))
        with machines_watched(folder / "sandbox", machines):
            yield cloud, tools


@contextmanager
def own_folder() -> Iterator[Path]:
    """Give a folder that is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="notebake-bench-") as name:
        yield Path(name)


def drop_caches() -> None:
    """Have the kernel forget what it has read, where that is allowed."""
    with suppress(OSError):
        DROP_CACHES.write_text("3")


def measured(
    tool: str, done: Ended, calls: list[dict[str, Any]], changes: list[dict[str, Any]]
) -> Bake:
    """Return the parts of a bake, from when the sandbox was called and what it then did."""
    launched = min(_times(calls, "RunInstances"))
    imaged = min(_times(calls, "CreateImage"))
    stopped = max(at for at in _times(calls, "StopInstances") if at < imaged)
    images = [
        change for change in changes if (change["kind"], change["state"]) == ("image", "available")
    ]
    available = min(change["time"] for change in images if change["time"] > imaged)
    edges = (done.began, launched, stopped, available, done.ended)
    return Bake(
        tool=tool,
        launch_to_image=available - launched,
        whole=done.seconds,
        phases=tuple(end - begin for begin, end in pairwise(edges)),
    )


def _times(calls: list[dict[str, Any]], action: str) -> list[float]:
    return [call["time"] for call in calls if call["action"] == action and call["code"] == "OK"]
