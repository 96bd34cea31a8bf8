"""A Prefect server, on SQLite or PostgreSQL, that serves bakes at once; what its log has of it."""

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
from typing import Any

from benchmarks.ten_world import World, world_made
from tests.shared.server import cluster_started

LOCKED = re.compile("database is locked")
FAILURES = re.compile(r'"failures": (\[.*?\])}$', re.MULTILINE)
REFUSED = re.compile(r'HTTP/1.1" 5\d\d')
SERVER_VARIABLES = {
    "PREFECT_SERVER_LOGGING_LEVEL": "INFO",
    "PREFECT_SERVER_LOG_RETRYABLE_ERRORS": "true",
}
"""Each answer is in the server's log, and why it was refused, also where the client asks again."""
DATABASE = "PREFECT_SERVER_DATABASE_CONNECTION_URL"
HEARTBEATS = {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}


@dataclass(frozen=True)
class Served:
    """How a server served so many bakes at once."""

    kind: str
    bakes: int
    seconds: float
    locked: int
    refused: int
    failed: int
    """How many of the bakes failed."""
    heartbeat_delays: tuple[float, ...]
    """Seconds."""
    busy: float


@dataclass(frozen=True)
class Side:
    """A server of one kind, and how much of its log has been read."""

    kind: str
    world: World

    def log(self) -> str:
        return (self.world.folder / "server" / "server.log").read_text(errors="replace")

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
    before, since = len(side.log()), datetime.now(UTC)
    seconds, busy, failed = 0.0, 0.0, 0
    try:
        built = side.world.build(bakes)
        seconds, busy = built.seconds, built.busy
    except RuntimeError as error:
        reasons = FAILURES.findall(str(error)) or [str(error)[-1000:]]
        failed = len(json.loads(reasons[0])) if FAILURES.search(str(error)) else bakes
        sys.stderr.write(f"{bakes} on {side.kind}: {reasons[0]}\n")
    log = side.log()[before:]
    return Served(
        side.kind,
        bakes,
        seconds,
        len(LOCKED.findall(log)),
        len(REFUSED.findall(log)),
        failed,
        tuple(side.heartbeat_delays(since)),
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
