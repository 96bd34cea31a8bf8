"""The same image by Packer and by notebake, in alternating pairs against the same sandbox."""

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks.bakes import PHASES, Bake, Setting, bake
from benchmarks.section import Section, Table, at_most

IMAGE_GOAL = 0.8
WHOLE_GOALS = {"quick": 1.3, "aws": 1.0}
"""With the sandbox's latency of this name."""
NOTES = (
    "Both: the same machine type, disks (two volumes: file system, fstab by UUID, mount), software"
    " (uv by pip with pinned hashes; JupyterLab, ipykernel and the rehearsal's packages; papermill"
    " in an environment of its own), clone, and notebook run by papermill.",
    "notebake besides: checks everything before the launch, refuses disks that are not blank,"
    " judges and fetches the notebook, keeps lock files, runs JupyterLab as a service and reaches"
    " it through a tunnel, stops and starts the machine, cleans it, searches it for credentials,"
    " and boots two machines from the image and proves them, before it tears down.",
    "Packer: Debian's 1.6.6, amazon-ebs, AWS_POLL_DELAY_SECONDS=1, `cloud-init status --wait`.",
    "Each bake has a fresh sandbox, fresh homes and the page cache dropped where that is allowed;"
    " notebake starts and ends its own Prefect server within its time.",
    "Launch to image: from the answer to the first RunInstances until the image was available, as"
    " the sandbox has noted both.",
)


def measure(pairs: int = 3, latencies: Sequence[str] = (), *, together: bool = False) -> Section:
    """Bake in alternating pairs, and compare the medians, with each latency.

    Args:
        pairs: How many bakes with each tool.
        latencies: Of the sandbox; all of them by default.
        together: Let machines and tool share all processors, as on a computer with a sandbox.

    Raises:
        RuntimeError: there is no packer, or a bake failed.
    """
    if not shutil.which("packer"):
        raise RuntimeError("There is no packer on this machine. Type: make clients")
    compared = [
        compare(bake_in_pairs(pairs, latency, together=together), latency, together=together)
        for latency in latencies or WHOLE_GOALS
    ]
    return Section(
        title="An image by Packer and by notebake",
        tables=tuple(table for one in compared for table in one.tables),
        goals=tuple(goal for one in compared for goal in one.goals),
        notes=(*NOTES, *(note for one in compared for note in one.notes)),
    )


def bake_in_pairs(pairs: int, latency: str, *, together: bool) -> list[Bake]:
    """Bake with both tools in turns; the bakes of a pair meet the same times of the cloud."""
    bakes = []
    with tempfile.TemporaryDirectory(prefix="notebake-bench-logs-") as logs:
        for number in range(1, pairs + 1):
            setting = Setting(latency, seed=number, is_apart=not together)
            for tool in order(number):
                bakes.append(bake(tool, Path(logs), setting))
                say(f"{latency}, pair {number} of {pairs}: {described(bakes[-1])}")
    return bakes


def order(pair: int) -> tuple[str, str]:
    """Return who goes first in a pair: each in turn, as a machine gets busier or idler."""
    return ("Packer", "notebake") if pair % 2 else ("notebake", "Packer")


def compare(bakes: list[Bake], latency: str, *, together: bool = False) -> Section:
    """Return the medians, all single values, and what became of the goals."""
    packer = [bake for bake in bakes if bake.tool == "Packer"]
    ours = [bake for bake in bakes if bake.tool == "notebake"]
    image = ratio(
        [bake.launch_to_image for bake in ours], [bake.launch_to_image for bake in packer]
    )
    whole = ratio([bake.whole for bake in ours], [bake.whole for bake in packer])
    where = "on the same processors" if together else "the machines on a processor of their own"
    heading = f"With latency {latency}, {where}"
    parts = phases(packer, ours)
    return Section(
        title=heading,
        tables=(replace(summary(packer, ours, image, whole), heading=heading), parts),
        goals=(
            at_most(f"{latency}: launch to image available, to Packer's", image, IMAGE_GOAL),
            at_most(f"{latency}: with all its proofs to Packer's", whole, WHOLE_GOALS[latency]),
        ),
        notes=(loads(packer, ours, latency),),
    )


def loads(packer: list[Bake], ours: list[Bake], latency: str) -> str:
    """Return how busy the machine was: seconds taken on a busy one say little by themselves."""
    packers, our = (", ".join(f"{bake.load:.1f}" for bake in bakes) for bakes in (packer, ours))
    return (
        f"{latency}: load average at the end of each bake, on {os.cpu_count()} processors:"
        f" Packer {packers}; notebake {our}."
    )


def ratio(ours: list[float], theirs: list[float]) -> float:
    """Return the ratio of the medians."""
    return median(ours) / median(theirs)


def summary(packer: list[Bake], ours: list[Bake], image: float, whole: float) -> Table:
    """Return both measures with their single values."""
    rows = (
        ("launch to image available", *_pair(packer, ours, "launch_to_image"), f"{image:.2f}"),
        ("the whole command", *_pair(packer, ours, "whole"), f"{whole:.2f}"),
    )
    return Table(("median (all), s", "Packer", "notebake", "ratio"), rows)


def phases(packer: list[Bake], ours: list[Bake]) -> Table:
    """Return the medians of the parts, by the calls that both tools make."""
    rows = tuple(
        (
            name,
            *(f"{median(bake.phases[number] for bake in bakes):.1f}" for bakes in (packer, ours)),
        )
        for number, name in enumerate(PHASES)
    )
    return Table(("parts, median, s", "Packer", "notebake"), rows)


def _pair(packer: list[Bake], ours: list[Bake], field: str) -> tuple[str, str]:
    return (
        spelled([getattr(bake, field) for bake in packer]),
        spelled([getattr(bake, field) for bake in ours]),
    )


def spelled(values: list[float]) -> str:
    """Return a median with the values it is of."""
    return f"{median(values):.1f} ({', '.join(f'{value:.1f}' for value in values)})"


def described(bake: Bake) -> str:
    """Return one bake as a line."""
    parts = ", ".join(
        f"{name} {seconds:.1f}" for name, seconds in zip(PHASES, bake.phases, strict=True)
    )
    return (
        f"{bake.tool:8}  launch to image {bake.launch_to_image:6.1f} s, whole {bake.whole:6.1f} s"
        f"  ({parts}; load {bake.load:.1f})"
    )


def say(line: str) -> None:
    """Tell whoever watches; the result itself goes to standard output."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
