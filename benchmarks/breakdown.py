"""Where the seconds of one real build go: by step, and by what it did meanwhile."""

import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from benchmarks.attribution import BEFORE, KINDS, REST, Piece, Span, attribute
from benchmarks.bakes import Setting, set_up
from benchmarks.processors import kept_to
from benchmarks.program import Ended, run_to_end
from benchmarks.recipes import write_recipe
from benchmarks.section import Section, Table
from notebake.runs.events import list_events
from notebake.runs.registry import list_run_ids, load_run
from notebake.store.directory import DirectoryStore

LONGEST = 15
Key = TypeVar("Key")
Kept = dict[str, tuple[float, float]]
"""By step when it began, in seconds after the command, and how many seconds it took."""
HOW = (
    "Seconds of the wall clock, each counted once. In a thread the innermost span counts; where"
    f" several threads are busy, the first of: {', '.join(KINDS)}."
)


def measure(latency: str = "quick", *, together: bool = False) -> Section:
    """Build the rehearsal's recipe once in a fresh sandbox, watched from outside.

    The machines have one processor and the tool has the other one, unless they are `together`.
    """
    with tempfile.TemporaryDirectory(prefix="notebake-bench-") as name:
        folder = Path(name)
        with set_up(folder, Setting(latency, is_apart=not together)) as (cloud, tools):
            recipe = write_recipe(folder, cloud.git_url)
            spans_path = folder / "spans.json"
            command = [sys.executable, "-m", "benchmarks.spans", str(spans_path)]
            with kept_to(tools):
                done = run_to_end(
                    [*command, "build", str(recipe)], cloud.environment, folder / "build.log"
                )
            spans = [Span(**fields) for fields in json.loads(spans_path.read_text())]
            kept = kept_times(folder / "runs", done.began)
    return describe(done, spans, kept)


def kept_times(runs: Path, began: float) -> Kept:
    """Return when each step of the only run began and how long it took, as the run has kept it."""
    store = DirectoryStore(runs)
    (run_id,) = list_run_ids(store)
    return {
        event.step: (event.at.timestamp() - event.seconds - began, event.seconds)
        for event in list_events(load_run(run_id, store))
        if event.happening == "done" and event.seconds is not None
    }


def describe(done: Ended, spans: list[Span], kept: Kept) -> Section:
    """Return what the spans say."""
    pieces = list(attribute(spans, done.began, done.ended))
    return Section(
        title="Where the seconds of a build go",
        tables=(by_kind(pieces), by_step(pieces, kept), longest(pieces)),
        notes=(
            HOW,
            "`began` and `kept` are what the run itself has kept; steps side by side overlap.",
        ),
    )


def by_kind(pieces: list[Piece]) -> Table:
    """Return the whole build by kind."""
    sums = _sums((piece.kind, piece.seconds) for piece in pieces)
    whole = sum(sums.values())
    rows = [(kind, f"{sums[kind]:.1f}", f"{sums[kind] / whole:.0%}") for kind in (*KINDS, REST)]
    return Table(("by kind", "s", "share"), (*rows, ("in all", f"{whole:.1f}", "")))


def by_step(pieces: list[Piece], kept: Kept) -> Table:
    """Return when each step began, and its seconds by kind."""
    kinds = (*KINDS, REST)
    sums = _sums(((piece.step, piece.kind), piece.seconds) for piece in pieces)
    order = [BEFORE, *kept]
    steps = [*order, *sorted({step for step, _ in sums}.difference(order))]
    rows = []
    for step in steps:
        cells = [sums.get((step, kind), 0.0) for kind in kinds]
        known = [f"{seconds:.1f}" for seconds in kept.get(step, ())] or ["", ""]
        rows.append(
            (
                step,
                *known,
                f"{sum(cells):.1f}",
                *(f"{cell:.1f}" if cell >= 0.05 else "" for cell in cells),
            )
        )
    return Table(("by step", "began", "kept", "wall", *kinds), tuple(rows))


def longest(pieces: list[Piece]) -> Table:
    """Return what took longest by name, beside the work on the host."""
    spent: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    calls: dict[tuple[str, str, str], set[Span]] = defaultdict(set)
    for piece in pieces:
        if piece.span:
            key = (piece.span.name, piece.kind, piece.step)
            spent[key].append(piece.seconds)
            calls[key].add(piece.span)
    first = sorted(spent.items(), key=lambda item: -sum(item[1]))[:LONGEST]
    rows = [
        (f"{name} ({kind})", step, str(len(calls[name, kind, step])), f"{sum(seconds):.2f}")
        for (name, kind, step), seconds in first
    ]
    return Table(("what took longest", "step", "times", "s"), tuple(rows))


def _sums(pairs: Iterable[tuple[Key, float]]) -> dict[Key, float]:
    """Return the sum of what belongs to each key."""
    found: dict[Key, float] = defaultdict(float)
    for key, seconds in pairs:
        found[key] += seconds
    return found
