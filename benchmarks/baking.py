"""The same image by Packer and by notebake, in alternating pairs against the same sandbox."""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.bakes import PHASES, Bake, bake
from benchmarks.section import Section, Table, at_most

IMAGE_GOAL = 0.8
WHOLE_GOAL = 1.0
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


def measure(pairs: int = 3) -> Section:
    """Bake in alternating pairs, and compare the medians.

    Raises:
        RuntimeError: there is no packer, or a bake failed.
    """
    if not shutil.which("packer"):
        raise RuntimeError("There is no packer on this machine. Type: make clients")
    bakes = []
    with tempfile.TemporaryDirectory(prefix="notebake-bench-logs-") as logs:
        for number in range(1, pairs + 1):
            for tool in order(number):
                bakes.append(bake(tool, Path(logs)))
                say(f"pair {number} of {pairs}: {described(bakes[-1])}")
    return compare(bakes)


def order(pair: int) -> tuple[str, str]:
    """Return who goes first in a pair: each in turn, as a machine gets busier or idler."""
    return ("Packer", "notebake") if pair % 2 else ("notebake", "Packer")


def compare(bakes: list[Bake]) -> Section:
    """Return the medians, all single values, and what became of the goals."""
    packer = [bake for bake in bakes if bake.tool == "Packer"]
    ours = [bake for bake in bakes if bake.tool == "notebake"]
    image = ratio(
        [bake.launch_to_image for bake in ours], [bake.launch_to_image for bake in packer]
    )
    whole = ratio([bake.whole for bake in ours], [bake.whole for bake in packer])
    return Section(
        title="An image by Packer and by notebake",
        tables=(summary(packer, ours, image, whole), phases(packer, ours)),
        goals=(
            at_most("launch to image available, notebake to Packer", image, IMAGE_GOAL),
            at_most("notebake with all its proofs to Packer's bake", whole, WHOLE_GOAL),
        ),
        notes=(*NOTES, loads(packer, ours)),
    )


def loads(packer: list[Bake], ours: list[Bake]) -> str:
    """Return how busy the machine was: seconds taken on a busy one say little by themselves."""
    packers, our = (", ".join(f"{bake.load:.1f}" for bake in bakes) for bakes in (packer, ours))
    return (
        f"Load average at the end of each bake, on {os.cpu_count()} processors:"
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
