"""How long the record of 10,000 runs takes to list, to compare, and to verify."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.own_cloud import PROJECT
from benchmarks.record_account import IMAGES, account_opened
from benchmarks.record_on_s3 import measure_growth, measure_requests
from benchmarks.record_runs import ENTRIES, RUNS, objects_of_runs, put, run_id_of
from benchmarks.section import Section, Table, at_most

TIMES = 7
LIST_SECONDS, LOOK_SECONDS, MEMORY_MIB = 0.5, 1.0, 300
ONCE = {"history list": 60, "history verify": 120, "survey": 60}
"""Seconds for what is done without an index, or reads all entries."""
LOOKS = ("history list --open", "survey", "sweep", "images")
"""The commands that look after what exists; the first two make what the others use."""
PROGRAM = (
    "import sys; from benchmarks.peak_memory import peak_kib; from flows.cli.main import main;"
    " code = main(sys.argv[1:]); sys.stderr.write(str(peak_kib())); sys.exit(code)"
)


@dataclass(frozen=True)
class Taken:
    """What a command took."""

    seconds: float
    mib: float
    output: str


def measure() -> Section:
    """Make the runs, and time the commands."""
    with tempfile.TemporaryDirectory(prefix="notebake-bench-") as name:
        folder = Path(name)
        with account_opened(folder) as account:
            began = time.perf_counter()
            write_runs(folder / "runs", account.image_ids)
            made = time.perf_counter() - began
            rebuilt = run(folder, "history list")
            listed = [run(folder, "history list") for _ in range(TIMES)]
            first, second = run_id_of(1), run_id_of(2)
            compared = [run(folder, f"history diff {first} {second}") for _ in range(TIMES)]
            verified = run(folder, "history verify")
            for key, content in account.open_run():
                put(folder / "runs" / key, content)
            surveyed = run(folder, "survey")
            looked = {words: [run(folder, words) for _ in range(TIMES)] for words in LOOKS}
            growth = measure_growth(account, folder, LOOKS)
    if f"Runs: {RUNS} intact." not in verified.output:
        raise RuntimeError(f"The record is not intact: {verified.output[-500:]}")
    once = {"history list": rebuilt, "history verify": verified, "survey": surveyed}
    often = {"history list": listed, "history diff": compared, **looked}
    return describe(made, once, often, growth)


def write_runs(location: Path, image_ids: Sequence[str]) -> None:
    """Write the same sealed run many times, each under its own id and with its own hashes."""
    for key, content in objects_of_runs(image_ids, is_whole=True):
        put(location / key, content)


def run(folder: Path, words: str) -> Taken:
    """Run a command in a process of its own."""
    command = [sys.executable, "-c", PROGRAM, "--store", str(folder / "runs"), *words.split()]
    began = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"{words} ended with {done.returncode}: {done.stderr}")
    return Taken(seconds, int(done.stderr.split()[-1]) / 1024, done.stdout)


def describe(
    made: float, once: dict[str, Taken], often: dict[str, list[Taken]], growth: dict[str, int]
) -> Section:
    """Return the figures, each beside what is wanted."""
    seconds = {words: median(each.seconds for each in taken) for words, taken in often.items()}
    memory = max(each.mib for taken in (*often.values(), [*once.values()]) for each in taken)
    limits = {"history list": LIST_SECONDS, "history diff": LIST_SECONDS}
    rows = [
        *(
            (words, f"{seconds[words]:.2f}", f"{max(each.mib for each in taken):.0f}")
            for words, taken in often.items()
        ),
        *(
            (f"{words}, once", f"{taken.seconds:.1f}", f"{taken.mib:.0f}")
            for words, taken in once.items()
        ),
    ]
    goals = (
        *(at_most(words, seconds[words], limits.get(words, LOOK_SECONDS), "s") for words in often),
        *(
            at_most(f"{words}, once", taken.seconds, ONCE[words], "s")
            for words, taken in once.items()
        ),
        at_most("memory", memory, MEMORY_MIB, "MiB"),
        *(at_most(f"requests of {words}", count, RUNS / 100) for words, count in growth.items()),
    )
    notes = (
        f"{RUNS} sealed runs of {ENTRIES} entries, written in {made:.0f} s just before: their files"
        " are in memory. The account has the images of"
        f" {IMAGES} of them, and a machine of a run that is open, which is there from `survey` on.",
        "`once`: without an index, which the command makes; `verify` reads all entries.",
        "On S3 only the first entry and the seal of each run are there; requests are counted, in"
        " moto, which has no speed to measure.",
    )
    tables = (
        Table((f"median of {TIMES}, or once", "s", "MiB"), tuple(rows)),
        Table(
            ("command", "requests"),
            tuple((words, str(count)) for words, count in growth.items()),
            f"Requests to S3, {RUNS} sealed runs and an open one",
        ),
        measure_requests(),
    )
    return Section("The record of many runs", tables, goals, notes)
