"""Waiting well: how soon a change of state is noticed, and how often ten builds ask for that."""

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median

from benchmarks.section import Section, Table, at_most
from benchmarks.ten_world import Built, world_made

MANY = 10
MEDIAN_SECONDS, WORST_SECONDS, MOST_TIMES = 1.0, 3.0, 3.0
SHARED_MOST = 0.5
"""Sharing answers between threads is worth its code only if it saves at least half of the calls."""
SHOWN_CALLERS = 12
NOTES = (
    "The sandbox's API with --latency aws in a process of its own, with scripted hosts behind real"
    " ssh servers; the builds are the real flow through Prefect, one in one process and ten in"
    " another, side by side, each against a cloud of its own.",
    "Counted are changes that happened while something waited for them, from when the sandbox"
    " made the change to when the wait returned. What was so already when a wait began is not.",
)


@dataclass(frozen=True)
class Noticed:
    """A change of state that something waited for."""

    state: str
    seconds: float
    """From the change to the end of the wait."""


def measure() -> Section:
    """Build once and ten times at once, and look at every wait."""
    with ThreadPoolExecutor(2) as pool, world_made() as world:
        futures = [pool.submit(world.build, builds, latency="aws") for builds in (1, MANY)]
        one, many = (each.result() for each in futures)
        alone = world.build(MANY, latency="aws", alone=True)
    return compare(one, many, alone)


def compare(one: Built, many: Built, alone: Built) -> Section:
    """Return what one build and many showed, and many that shared no answer of AWS."""
    lags = [noticed.seconds for built in (one, many) for noticed in noticed_by(built)]
    ratio = described(many) / described(one)
    return Section(
        "Waiting well",
        (
            states_table(one, many),
            purposes_table(one, many),
            actions_table(one, many),
            sharing_table(many, alone),
        )
        + ((callers_table(one, many),) if ratio > MOST_TIMES else ()),
        goals=(
            at_most("a change of state is noticed, median", median(lags), MEDIAN_SECONDS, "s"),
            at_most("a change of state is noticed, worst", max(lags), WORST_SECONDS, "s"),
            at_most(f"Describe calls of {many.builds} builds against one", ratio, MOST_TIMES),
            at_most(
                f"Describe calls of {many.builds} builds against as many that share none",
                described(many) / described(alone),
                SHARED_MOST,
            ),
        ),
        notes=(*NOTES, paused(one, many)),
    )


def paused(one: Built, many: Built) -> str:
    """Say how much of a late notice may be the machine's own."""
    seconds = max(one.longest_pause_seconds, many.longest_pause_seconds)
    busy = max(one.busy, many.busy)
    return (
        f"This machine was busy to {100 * busy:.0f} %, and kept a process of builds from all work"
        f" for up to {seconds:.1f} s at a time: no notice can come sooner than that ends."
    )


def noticed_by(built: Built) -> list[Noticed]:
    """Return the changes that happened while something waited for them."""
    found = []
    for waited in built.waits:
        moments = [
            change["time"]
            for change in built.changes
            if (change["id"], change["state"]) == (waited.resource_id, waited.state)
            and waited.began <= change["time"] <= waited.ended
        ]
        if moments:
            found.append(Noticed(waited.state, waited.ended - max(moments)))
    return found


def described(built: Built) -> int:
    """Return how many Describe calls were made."""
    return built.described().total()


def states_table(one: Built, many: Built) -> Table:
    """How soon each kind of change was noticed."""
    found = [noticed_by(one), noticed_by(many)]
    rows = []
    for state in sorted({noticed.state for each in found for noticed in each}):
        row = [state]
        for each in found:
            seconds = [noticed.seconds for noticed in each if noticed.state == state]
            row += [str(len(seconds)), *(in_seconds(seconds))]
        rows.append(tuple(row))
    columns: tuple[str, ...] = ("state waited for",)
    for built in (one, many):
        columns += (f"of {built.builds}", "median", "worst")
    return Table(columns, tuple(rows), "Seconds from the change to the end of the wait")


def in_seconds(lags: list[float]) -> tuple[str, str]:
    """Return the median and the worst."""
    return (f"{median(lags):.2f}", f"{max(lags):.2f}") if lags else ("-", "-")


def purposes_table(one: Built, many: Built) -> Table:
    """What Describe calls were for."""
    counted = [purposes(built) for built in (one, many)]
    rows = [row(name, *(each[name] for each in counted)) for name in all_of(counted)]
    rows.append(row("all", described(one), described(many)))
    return Table(("Describe calls for", *heads(one, many)), tuple(rows))


def purposes(built: Built) -> Counter[str]:
    """Return how many Describe calls were made for what."""
    counted: Counter[str] = Counter()
    for (_, _, purpose), count in built.described().items():
        counted[purpose] += count
    return counted


def actions_table(one: Built, many: Built) -> Table:
    """Which Describe calls were made."""
    counted = []
    for built in (one, many):
        actions: Counter[str] = Counter()
        for (action, _, _), count in built.described().items():
            actions[action] += count
        counted.append(actions)
    rows = [row(name, *(each[name] for each in counted)) for name in all_of(counted)]
    return Table(("action", *heads(one, many)), tuple(rows))


def callers_table(one: Built, many: Built) -> Table:
    """Who of ours makes more of them the more builds there are."""
    few, more = one.described(), many.described()
    growing = sorted(more, key=lambda key: few[key] - more[key])[:SHOWN_CALLERS]
    rows = [row(f"{key[0]} ({key[2]}) {key[1]}", few[key], more[key]) for key in growing]
    return Table(("action (for) function < caller", *heads(one, many)), tuple(rows), "Most more")


def sharing_table(many: Built, alone: Built) -> Table:
    """What it saves that threads share the answers of AWS."""
    rows = (
        ("Describe calls", *(str(described(each)) for each in (many, alone))),
        ("all calls of AWS", *(str(len(each.calls)) for each in (many, alone))),
        ("s, from the first to the last", *(f"{each.seconds:.0f}" for each in (many, alone))),
        ("s of a processor", *(f"{each.cpu_seconds:.0f}" for each in (many, alone))),
        ("the same of the API", *(f"{each.cloud_cpu_seconds:.0f}" for each in (many, alone))),
    )
    return Table((f"{many.builds} builds", "share answers", "share none"), rows)


def heads(one: Built, many: Built) -> tuple[str, str, str]:
    """Return the columns of counts."""
    return f"{one.builds} build", f"{many.builds} builds", "times"


def row(name: str, few: int, more: int) -> tuple[str, ...]:
    """Return a row of counts."""
    return name, str(few), str(more), f"{more / few:.1f}" if few else "-"


def all_of(counted: Iterable[Counter[str]]) -> list[str]:
    """Return all that was counted, the most first."""
    total: Counter[str] = Counter()
    for each in counted:
        total.update(each)
    return [name for name, _ in total.most_common()]
