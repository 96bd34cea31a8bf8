"""The search for credentials: what it costs, what it takes for one, and what it finds."""

import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from benchmarks.clean_machine import earlier_program, engine_program, lay_out_packages, make_machine
from benchmarks.section import Section, Table, at_most
from notebake.credentials.report import Report, parse_report
from tests.credential_corpus.containers import CONTAINERS, found_in, lay_out
from tests.credential_corpus.kinds import Kind, promised_kinds
from tests.credential_corpus.made import Maker
from tests.credential_corpus.others import other_kinds

PAIRS = 5
PROCESSES = 2
AT_ONCE = 8
"""Kinds in one place: of one file no more than twenty credentials are told."""


class Spent(NamedTuple):
    """What a search took, from its start to its end."""

    seconds: float
    processor_seconds: float


def measure() -> Section:
    """Measure all three; the least of PAIRS for times, taken in turns."""
    with tempfile.TemporaryDirectory(prefix="notebake-bench-") as name:
        folder = Path(name)
        engine = engine_program(folder)
        machine = make_machine(folder / "machine")
        packages = lay_out_packages(folder / "packages")
        speed, ratio = _speed(engine, machine)
        alarms = [
            ("a clean machine", search(engine, machine)[0]),
            *((package.name, search(engine, package)[0]) for package in packages),
        ]
        kinds, rest = list(promised_kinds(Maker())), list(other_kinds(Maker(12)))
        found = find(engine, folder / "promised", kinds)
        others = find(engine, folder / "others", rest)
    missed, unknown = _missed(kinds, found), _missed(rest, others)
    false_alarms = sum(len(report["findings"]) for _, report in alarms)
    return Section(
        "The search for credentials",
        (speed, _alarms(alarms), _shares(kinds, found, rest, others)),
        (
            *([at_most("seconds for one of the version before", ratio, 1.2)] if ratio else []),
            at_most("false alarms", false_alarms, 0),
            at_most("promised kinds that are not found", len(missed), 0),
        ),
        (
            *([f"Not found of what is promised: {', '.join(missed)}."] if missed else []),
            f"Not found of the others: {', '.join(unknown)}.",
            "Times are the least of several, taken in turns; the machine lies in the page cache.",
        ),
    )


def search(engine: Path, root: Path) -> tuple[Report, Spent]:
    """Search once, and return the report and what it took."""
    words = ["-m", "notebake.credentials", "--engine", str(engine)]
    return _timed([sys.executable, *words], root)


def _timed(command: list[str], root: Path) -> tuple[Report, Spent]:
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    words = ["--json", "--root", str(root), "--expect-login", "/home/ubuntu"]
    done = subprocess.run(
        [*command, *words, "--processes", str(PROCESSES)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(f"The search failed: {done.stderr}")
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return parse_report(done.stdout), Spent(seconds, processor)


def _speed(engine: Path, machine: Path) -> tuple[Table, float]:
    """Return the times, and those of this version in those of the one before, 0 without it."""
    now: list[tuple[Report, Spent]] = []
    then: list[Spent] = []
    # It printed no list of what is allowed.
    earlier = (earlier_program() or "").replace(
        '"complete": True', '"allowed": [], "complete": True'
    )
    for _ in range(PAIRS):
        now.append(search(engine, machine))
        if earlier:
            then.append(_timed([sys.executable, "-I", "-c", earlier], machine)[1])
    least = _least([spent for _, spent in now])
    rows = [("this version", *_spelled(least))]
    if then:
        rows.append(("the version before, with rules of its own", *_spelled(_least(then))))
    files = f"{now[0][0]['files']} files"
    heading = f"A clean machine: the base system and a Python environment, {files}"
    ratio = least.seconds / _least(then).seconds if then else 0
    return Table(("", "s", "s of a processor"), tuple(rows), heading), ratio


def _least(runs: list[Spent]) -> Spent:
    return Spent(min(run.seconds for run in runs), min(run.processor_seconds for run in runs))


def _spelled(spent: Spent) -> tuple[str, str]:
    return f"{spent.seconds:.2f}", f"{spent.processor_seconds:.2f}"


def _alarms(alarms: list[tuple[str, Report]]) -> Table:
    rows = [
        (name, str(report["files"]), str(len(report["findings"]) + len(report["unreadable"])))
        for name, report in alarms
    ]
    return Table(("", "files", "alarms"), tuple(rows), "What holds no credential")


def find(engine: Path, root: Path, kinds: list[Kind]) -> set[tuple[str, int]]:
    """Lay out kinds in all containers, and return in which containers which were found."""
    found: set[tuple[str, int]] = set()
    for start in range(0, len(kinds), AT_ONCE):
        part = root / str(start)
        lay_out(part, kinds[start : start + AT_ONCE])
        report, _ = search(engine, part)
        pairs = [(each["path"], each["place"]) for each in report["findings"]]
        found |= {(container, start + number) for container, number in found_in(part, pairs)}
    return found


def _missed(kinds: list[Kind], found: set[tuple[str, int]]) -> list[str]:
    """Return the kinds that were not found everywhere."""
    return [
        f"{kind.provider}, {kind.name}"
        for number, kind in enumerate(kinds)
        if any((container, number) not in found for container in CONTAINERS)
    ]


def _shares(
    kinds: list[Kind],
    found: set[tuple[str, int]],
    rest: list[Kind],
    others: set[tuple[str, int]],
) -> Table:
    rows = []
    for provider, group in groupby(enumerate(kinds), key=lambda each: each[1].provider):
        numbers = {number for number, _ in group}
        rows.append((provider, *_row(numbers, found)))
    rows.append(("all of these", *_row(set(range(len(kinds))), found)))
    rows.append(("other kinds", *_row(set(range(len(rest))), others)))
    return Table(("", *CONTAINERS), tuple(rows), "Kinds that are found")


def _row(numbers: set[int], found: set[tuple[str, int]]) -> Iterator[str]:
    count = Counter(container for container, number in found if number in numbers)
    yield from (f"{count[container]}/{len(numbers)}" for container in CONTAINERS)
