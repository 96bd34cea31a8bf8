"""How soon `notebake` answers, and how long a second rehearsal takes."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.launching import NOTEBAKE, time_launches
from benchmarks.own_cloud import PROJECT
from benchmarks.program import run_to_end
from benchmarks.section import Section, Table, at_most

TIMES = 7
LAUNCHES = 3
ANSWER_GOAL_SECONDS = 0.3
LAUNCH_GOAL_SECONDS = 3
FIRST_LAUNCH_GOAL_SECONDS = 5
REHEARSAL_GOAL_SECONDS = 45
WRONG_RECIPE = "name: wrong\njupyter_port: 22\nvolumes:\n  - name: data\n    mont_point: /data\n"


def measure(*, rehearsal: bool = False) -> Section:
    """Time what a person waits for before anything happens; `rehearsal` takes some minutes."""
    with tempfile.TemporaryDirectory(prefix="notebake-bench-") as name:
        folder = Path(name)
        recipe = folder / "wrong.yaml"
        recipe.write_text(WRONG_RECIPE)
        answers = {
            "python -c pass": timed((sys.executable, "-c", "pass"), 0),
            "notebake --help": timed((NOTEBAKE, "--help"), 0),
            "notebake build of a wrong recipe": timed((NOTEBAKE, "build", str(recipe)), 1),
        }
        second = time_second_rehearsal(folder) if rehearsal else None
    first_launch, launches = time_launches(LAUNCHES)
    return describe(answers, first_launch, launches, second)


def timed(command: Sequence[str], wanted_code: int) -> list[float]:
    """Return how long a command took, some times in a row; the first one does not count.

    Raises:
        RuntimeError: it ended otherwise than it should.
    """
    seconds = []
    for _ in range(TIMES + 1):
        began = time.perf_counter()
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
        seconds.append(time.perf_counter() - began)
        if done.returncode != wanted_code:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    return seconds[1:]


def time_second_rehearsal(folder: Path) -> float:
    """Return the seconds of `make rehearsal` when there has been one before."""
    command = ["make", "--silent", "rehearsal"]
    run_to_end(command, os.environ, folder / "first.log")
    return run_to_end(command, os.environ, folder / "second.log").seconds


def describe(
    answers: dict[str, list[float]],
    first_launch: float,
    launches: list[float],
    second: float | None,
) -> Section:
    """Return the medians, each beside that of a Python that does nothing."""
    bare = median(answers["python -c pass"])
    rows = [
        (name, f"{median(values):.3f}", f"{max(values):.3f}", f"{median(values) / bare:.1f}")
        for name, values in answers.items()
    ]
    goals = [
        at_most(name, median(values), ANSWER_GOAL_SECONDS, "s")
        for name, values in answers.items()
        if name.startswith("notebake")
    ]
    launching = "typing to RunInstances"
    rows += [
        (launching, f"{median(launches):.2f}", f"{max(launches):.2f}", ""),
        (f"{launching}, first in a new home", f"{first_launch:.2f}", "", ""),
    ]
    goals += [
        at_most(launching, median(launches), LAUNCH_GOAL_SECONDS, "s"),
        at_most(f"{launching}, the first", first_launch, FIRST_LAUNCH_GOAL_SECONDS, "s"),
    ]
    if second is not None:
        rows.append(("make rehearsal, the second time", f"{second:.1f}", "", ""))
        goals.append(at_most("make rehearsal, the second", second, REHEARSAL_GOAL_SECONDS, "s"))
    columns = (f"of {TIMES}, s", "median", "longest", "to bare Python")
    return Section("How soon it answers", (Table(columns, tuple(rows)),), tuple(goals))
