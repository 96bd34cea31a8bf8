"""Growing: what ten builds, twelve volumes, much output and a large repository cost."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass

from benchmarks.large_clone import clone_each
from benchmarks.own_cloud import PROJECT
from benchmarks.section import Section, Table
from benchmarks.ten_world import Built, world_made

MANY_BUILDS, MANY_VOLUMES, OUTPUT_MB = 10, 12, 20.0
NOTEBOOK_MB = (2.0, 20.0)
REPOSITORY_MB = (5, 100)
SLACK = 1.5
"""A cost that has grown no more than the size times this counts as linear: timings are noisy, and
what grows with the square would have grown with ten times as much again."""
NOTES = (
    "All in real time. Builds: the sandbox's API with --latency quick in a process of its own, with"
    " scripted hosts behind real ssh servers that work ten times as fast as a host; the real flow"
    " through Prefect, each size in a process of its own. Its memory is the peak beyond what it"
    " has when all is imported, before the first build.",
    "Output of the notebook: as text in a whole build, on three hosts; then of each kind, judged"
    " and made a page of, in a process of its own.",
    "The repository: random files, real git on a real host of the sandbox, over the sandbox's"
    " network.",
)


@dataclass(frozen=True)
class Growth:
    """One cost of something small and of something large."""

    what: str
    unit: str
    size_times: float
    small: float
    large: float

    @property
    def times(self) -> float:
        """How many times as much the large one costs."""
        return self.large / self.small if self.small else float("inf")

    @property
    def is_linear(self) -> bool:
        """Whether it grew no faster than the size."""
        return self.times <= SLACK * self.size_times

    def row(self) -> tuple[str, ...]:
        """Return its line."""
        digits = 1 if self.unit else 0
        figures = (f"{cost:.{digits}f} {self.unit}".strip() for cost in (self.small, self.large))
        return (
            self.what,
            f"{self.size_times:.0f}",
            *figures,
            f"{self.times:.1f}",
            "no" if self.is_linear else "YES",
        )


def measure() -> Section:
    """Measure each kind of growth."""
    with world_made() as world:
        one = world.build(1)
        many = world.build(MANY_BUILDS)
        wide = world.build(1, volumes=MANY_VOLUMES)
        long = world.build(1, output_mb=OUTPUT_MB)
    notes = [bound(many)]
    grown = [*builds(one, many), *volumes(one, wide), *notebooks()]
    if os.geteuid() == 0:
        grown += repositories()
    else:
        notes.append("The repository was left out: real hosts need root.")
    return Section(
        "Growing",
        (table(grown), output_table(one, long)),
        goals=tuple(verdicts(grown)),
        notes=(*NOTES, *notes),
    )


def builds(one: Built, many: Built) -> list[Growth]:
    """What ten builds at once cost."""
    times = many.builds / one.builds
    return [
        Growth(f"{many.builds} builds: wall", "s", times, one.seconds, many.seconds),
        Growth(f"{many.builds} builds: our CPU", "s", times, one.cpu_seconds, many.cpu_seconds),
        Growth(f"{many.builds} builds: our memory", "MiB", times, memory(one), memory(many)),
        Growth(f"{many.builds} builds: API calls", "", times, len(one.calls), len(many.calls)),
    ]


def volumes(one: Built, wide: Built) -> list[Growth]:
    """What twelve volumes cost."""
    return [
        Growth("12 volumes: wall", "s", MANY_VOLUMES, one.seconds, wide.seconds),
        Growth("12 volumes: our memory", "MiB", MANY_VOLUMES, memory(one), memory(wide)),
        Growth("12 volumes: API calls", "", MANY_VOLUMES, len(one.calls), len(wide.calls)),
    ]


def notebooks() -> list[Growth]:
    """What it costs to judge much output, and to make its page."""
    grown = []
    for kind in ("text", "table", "colours", "figures"):
        small, large = (measured(kind, megabytes) for megabytes in NOTEBOOK_MB)
        times = large["mb"] / small["mb"]
        for cost, unit in (("seconds", "s"), ("mib", "MiB")):
            what = f"{large['mb']:.0f} MB of {kind}: our {'CPU' if unit == 's' else 'memory'}"
            grown.append(Growth(what, unit, times, small[cost], large[cost]))
    return grown


def measured(kind: str, megabytes: float) -> dict[str, float]:
    """Judge a notebook and make its page, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.long_notebook", kind, str(megabytes)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{megabytes} MB of {kind} failed: {done.stderr[-2000:]}")
    document: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return document


def repositories() -> list[Growth]:
    """What the clone of a large repository costs."""
    small, large = clone_each(REPOSITORY_MB)
    times = large.megabytes / small.megabytes
    name = f"a repository of {large.megabytes} MB"
    return [
        Growth(f"{name}: wall", "s", times, small.seconds, large.seconds),
        Growth(f"{name}: our memory", "MiB", times, small.peak_mib, large.peak_mib),
    ]


def memory(built: Built) -> float:
    """Return what builds needed beyond what was imported."""
    return built.peak_mib - built.loaded_mib


def table(grown: list[Growth]) -> Table:
    """Every cost, one a row."""
    columns = ("what", "times the size", "less", "more", "times the cost", "faster than linear")
    return Table(columns, tuple(growth.row() for growth in grown))


def output_table(one: Built, long: Built) -> Table:
    """What a notebook with much output does to a whole build."""
    rows = tuple(
        (name, f"{built.seconds:.1f}", f"{built.cpu_seconds:.1f}", f"{built.peak_mib:.0f}")
        for name, built in (("small", one), (f"{OUTPUT_MB:.0f} MB", long))
    )
    return Table(
        ("output of the notebook", "wall, s", "our CPU, s", "our peak, MiB"), rows, "A whole build"
    )


def verdicts(grown: list[Growth]) -> list[str]:
    """Say what grew faster than linearly."""
    faster = [growth for growth in grown if not growth.is_linear]
    if not faster:
        return [f"met: none of {len(grown)} costs grows faster than linearly"]
    return [
        f"MISSED: {growth.what}: {growth.times:.1f} times for {growth.size_times:.0f} times"
        for growth in faster
    ]


def bound(many: Built) -> str:
    """Say what keeps ten builds from being quicker."""
    cores = os.cpu_count() or 1
    ours, clouds = (spent / many.seconds for spent in (many.cpu_seconds, many.cloud_cpu_seconds))
    return (
        f"Of this machine's {cores} processors {cores * many.busy:.1f} were at work during the"
        f" {many.builds} builds: {ours:.1f} for the process of the builds (one at most, for Python"
        f" has one lock), {clouds:.1f} for the cloud with its hosts' ssh servers, the rest for"
        " Prefect's server and whatever else ran."
    )
