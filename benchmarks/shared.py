"""So many bakes at once on one Prefect server: on SQLite and on PostgreSQL, in turns.

Each bake is the real flow through Prefect, with scripted hosts, so that hosts are not the limit.
"""

from statistics import median

from benchmarks.section import Section, Table
from benchmarks.shared_server import Served, serve, side_started

AT_ONCE = (1, 2, 5, 10)
LATE_SECONDS = 5.0
NOTES = (
    "The bakes of a line are threads of one process: what reaches the server is that of as many"
    " flow runs, without the workers' polls. Both servers run all the time.",
    "Locked are the lines of the server's log with `database is locked`; refused its answers of 500"
    " and above, most of which Prefect's client repeats. A heartbeat is late if the server had it"
    f" more than {LATE_SECONDS:.0f} s after it was sent.",
)


def measure(rounds: int = 1) -> Section:
    """Bake on both databases in turns, more and more at once."""
    with side_started("SQLite") as sqlite, side_started("PostgreSQL") as postgresql:
        found = [
            serve(side, bakes)
            for _ in range(rounds)
            for bakes in AT_ONCE
            for side in (sqlite, postgresql)
        ]
    return Section("Bakes at once on one Prefect server", (table_of(found),), notes=NOTES)


def table_of(found: list[Served]) -> Table:
    """Return a row for each kind and number: sums of counts, medians of times."""
    rows = []
    for bakes in AT_ONCE:
        for kind in ("SQLite", "PostgreSQL"):
            of_it = [each for each in found if (each.kind, each.bakes) == (kind, bakes)]
            rows.append(row(of_it, found))
    return Table(
        (
            "bakes at once",
            "locked",
            "refused",
            "failed",
            "late heartbeats",
            "latest, s",
            "time, to 1 on SQLite",
            "busy",
        ),
        tuple(rows),
    )


def row(of_it: list[Served], found: list[Served]) -> tuple[str, ...]:
    """Return the figures of one kind and number; times as a ratio to one bake on SQLite."""
    first = of_it[0]
    single = median(each.seconds for each in found if (each.kind, each.bakes) == ("SQLite", 1))
    whole = [each.seconds for each in of_it if not each.failed]
    taken = median(whole) if whole else 0
    delays = [delay for each in of_it for delay in each.heartbeat_delays]
    late = sum(delay > LATE_SECONDS for delay in delays)
    return (
        f"{first.bakes} on {first.kind}",
        str(sum(each.locked for each in of_it)),
        str(sum(each.refused for each in of_it)),
        str(sum(each.failed for each in of_it)),
        f"{late} of {len(delays)}",
        f"{max(delays):.1f}" if delays else "-",
        f"{taken / single:.1f}" if taken and single else "-",
        f"{100 * max(each.busy for each in of_it):.0f} %",
    )
