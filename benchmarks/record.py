"""How long the record of 10,000 runs takes to list, to compare, and to verify."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.own_cloud import PROJECT
from benchmarks.record_on_s3 import measure_requests
from benchmarks.section import Section, Table, at_most
from notebake.ledger.chain import RecordPlace
from notebake.ledger.closing import close_if_finished
from notebake.ledger.entry import hash_of, key_of, seal_key_of
from notebake.recipe import Recipe
from notebake.runs.open_store import open_store
from notebake.runs.registry import new_run
from notebake.store.directory import DirectoryStore
from tests.recorded_runs import bake, step, write

RUNS, ENTRIES, TIMES = 10_000, 60, 7
LIST_SECONDS, REBUILD_SECONDS, VERIFY_SECONDS, MEMORY_MIB = 0.5, 60, 120, 300
TEMPLATE = "ocean-20261129-120000-0000"
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
        began = time.perf_counter()
        make_runs(folder / "runs")
        made = time.perf_counter() - began
        rebuilt = run(folder, "list")
        listed = [run(folder, "list") for _ in range(TIMES)]
        first, second = (f"{TEMPLATE[:-4]}{number:04x}" for number in (1, 2))
        compared = [run(folder, "diff", first, second) for _ in range(TIMES)]
        verified = run(folder, "verify")
    if f"Runs: {RUNS} intact." not in verified.output:
        raise RuntimeError(f"The record is not intact: {verified.output[-500:]}")
    return describe(made, rebuilt, listed, compared, verified)


def make_runs(location: Path) -> None:
    """Write the same sealed run many times, each under its own id and with its own hashes."""
    contents = template()
    recipe = Recipe(name="ocean")
    new_run(recipe, "ocean.yaml", open_store(str(location)), run_id=TEMPLATE)
    of_run = {
        path.relative_to(location / TEMPLATE): path.read_bytes()
        for path in (location / TEMPLATE).rglob("*")
        if path.is_file()
    }
    for number in range(RUNS):
        run_id = f"{TEMPLATE[:-4]}{number:04x}"
        for path, content in of_run.items():
            put(location / run_id / path, content.replace(TEMPLATE.encode(), run_id.encode()))
        for sequence, content in enumerate(renamed(contents, run_id), 1):
            put(location / "record" / key_of(run_id, sequence), content)
        put(location / "record" / seal_key_of(run_id, len(contents)), content)


def template() -> list[bytes]:
    """Return the stored entries of one sealed run."""
    with tempfile.TemporaryDirectory(prefix="notebake-bench-") as name:
        place = RecordPlace(DirectoryStore(Path(name)))
        happened = bake()
        more = [step(f"step_{number}") for number in range(ENTRIES - 1 - len(happened))]
        chain = write(place, [*happened[:2], *more, *happened[2:]], TEMPLATE)
        close_if_finished(chain)
        return [stored.content for stored in place.store.read_all(place.store.list(f"{TEMPLATE}/"))]


def renamed(contents: list[bytes], run_id: str) -> Iterator[bytes]:
    """Yield the entries under another run id of the same length, linked anew."""
    before, now = b"", b""
    for content in contents:
        previous, changed = hash_of(before).encode(), hash_of(now).encode()
        before = content
        now = content.replace(TEMPLATE.encode(), run_id.encode()).replace(previous, changed)
        yield now


def put(path: Path, content: bytes) -> None:
    """Write a file, which may be lost in a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def run(folder: Path, *words: str) -> Taken:
    """Run a subcommand of `notebake history` in a process of its own."""
    command = [sys.executable, "-c", PROGRAM, "--store", str(folder / "runs"), "history", *words]
    began = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env=os.environ | {"NOTEBAKE_HOME": str(folder / "home"), "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"history {' '.join(words)} ended with {done.returncode}: {done.stderr}")
    return Taken(seconds, int(done.stderr.split()[-1]) / 1024, done.stdout)


def describe(
    made: float, rebuilt: Taken, listed: list[Taken], compared: list[Taken], verified: Taken
) -> Section:
    """Return the figures, each beside what is wanted."""
    list_seconds, diff_seconds = (
        median(each.seconds for each in taken) for taken in (listed, compared)
    )
    memory = max(each.mib for each in (rebuilt, *listed, *compared, verified))
    rows = [
        ("list, newest 30", f"{list_seconds:.2f}", f"{max(each.mib for each in listed):.0f}"),
        ("diff of two runs", f"{diff_seconds:.2f}", f"{max(each.mib for each in compared):.0f}"),
        ("list without an index, which it makes", f"{rebuilt.seconds:.1f}", f"{rebuilt.mib:.0f}"),
        ("verify all entries", f"{verified.seconds:.1f}", f"{verified.mib:.0f}"),
    ]
    goals = (
        at_most("list", list_seconds, LIST_SECONDS, "s"),
        at_most("diff", diff_seconds, LIST_SECONDS, "s"),
        at_most("list without an index", rebuilt.seconds, REBUILD_SECONDS, "s"),
        at_most("verify", verified.seconds, VERIFY_SECONDS, "s"),
        at_most("memory", memory, MEMORY_MIB, "MiB"),
    )
    notes = (
        f"{RUNS} sealed runs of {ENTRIES} entries, written in {made:.0f} s just before: their files"
        " are in memory. No run is open, so no chain is read for a list.",
    )
    columns = (f"median of {TIMES}, or once", "s", "MiB")
    tables = (Table(columns, tuple(rows)), measure_requests())
    return Section("The record of many runs", tables, goals, notes)
