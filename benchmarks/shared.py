"""So many bakes at once on one Prefect server: on SQLite and on PostgreSQL, in turns.

Each bake is the real flow through Prefect, with scripted hosts, so that hosts are not the limit.
"""

import json
import re
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.section import Section, Table
from benchmarks.ten_world import World, world_made
from tests.shared.server import cluster_started

AT_ONCE = (1, 2, 5, 10)
LATE_SECONDS = 5.0
LOCKED = re.compile("database is locked")
REFUSED = re.compile(r'HTTP/1.1" 5\d\d')
SERVER_VARIABLES = {
    "PREFECT_SERVER_LOGGING_LEVEL": "INFO",
    "PREFECT_SERVER_LOG_RETRYABLE_ERRORS": "true",
}
"""Each answer is in the server's log, and why it was refused, also where the client asks again."""
DATABASE = "PREFECT_SERVER_DATABASE_CONNECTION_URL"
HEARTBEATS = {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
NOTES = (
    "The bakes of a line are threads of one process: what reaches the server is that of as many"
    " flow runs, without the workers' polls. Both servers run all the time.",
    "Locked are the lines of the server's log with `database is locked`; refused its answers of 500"
    " and above, most of which Prefect's client repeats. A heartbeat is late if the server had it"
    f" more than {LATE_SECONDS:.0f} s after it was sent.",
)


@dataclass(frozen=True)
class Served:
    """How a server served so many bakes at once."""

    kind: str
    bakes: int
    seconds: float
    locked: int
    refused: int
    failed: int
    """Whether the process of the bakes failed."""
    heartbeat_delays: tuple[float, ...]
    """Seconds."""
    task_runs: int
    busy: float


@dataclass(frozen=True)
class Side:
    """A server of one kind, and how much of its log has been read."""

    kind: str
    world: World

    def log(self) -> str:
        return (self.world.folder / "server" / "server.log").read_text(errors="replace")

    def task_runs(self) -> int:
        return int(ask(self.world, "/task_runs/count", {}))

    def heartbeat_delays(self, since: datetime) -> Iterator[float]:
        """Yield how long each heartbeat took from its flow run to the server."""
        during = {"since": since.isoformat()}
        names = {"name": ["prefect.flow-run.heartbeat"]}
        wanted = {"filter": {"event": names, "occurred": during}, "limit": 50}
        for event in ask(self.world, "/events/filter", wanted)["events"]:
            sent, received = (
                datetime.fromisoformat(event[key]) for key in ("occurred", "received")
            )
            yield (received - sent).total_seconds()


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


@contextmanager
def side_started(kind: str) -> Iterator[Side]:
    """Start a server with a new database of a kind."""
    with (
        new_database(kind) as variables,
        world_made(SERVER_VARIABLES | variables, **HEARTBEATS) as world,
    ):
        yield Side(kind, world)


def serve(side: Side, bakes: int) -> Served:
    """Bake so many times at once on a server."""
    before, since, tasks = len(side.log()), datetime.now(UTC), side.task_runs()
    seconds, busy, failed = 0.0, 0.0, 0
    try:
        built = side.world.build(bakes)
        seconds, busy = built.seconds, built.busy
    except RuntimeError as error:
        sys.stderr.write(f"{bakes} on {side.kind}: {str(error)[-1000:]}\n")
        failed = 1
    log = side.log()[before:]
    return Served(
        side.kind,
        bakes,
        seconds,
        len(LOCKED.findall(log)),
        len(REFUSED.findall(log)),
        failed,
        tuple(side.heartbeat_delays(since)),
        side.task_runs() - tasks,
        busy,
    )


@contextmanager
def new_database(kind: str) -> Iterator[dict[str, str]]:
    """Provide what a server needs to use a new database; a file of SQLite is its own."""
    if kind == "SQLite":
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="nb-") as name, cluster_started(Path(name)) as url:
        yield {DATABASE: url}


def ask(world: World, path: str, body: dict[str, Any]) -> Any:
    """Return what the server answers."""
    request = urllib.request.Request(  # noqa: S310
        f"{world.prefect_url}{path}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return json.load(answer)


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
            "task runs",
            "busy",
        ),
        tuple(rows),
    )


def row(of_it: list[Served], found: list[Served]) -> tuple[str, ...]:
    """Return the figures of one kind and number; times as a ratio to one bake on SQLite."""
    first = of_it[0]
    single = median(each.seconds for each in found if (each.kind, each.bakes) == ("SQLite", 1))
    taken = median(each.seconds for each in of_it)
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
        str(sum(each.task_runs for each in of_it)),
        f"{100 * median(each.busy for each in of_it):.0f} %",
    )
