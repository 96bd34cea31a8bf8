"""How long a server has run so far: at least, and at most.

EC2 tells when a server was first and last started, and when it was last stopped by a call; of a
server that stopped by itself it gives no time, and of earlier runs nothing. So each start adds up
the runs before it in a tag; what happened without that is known within bounds only.
"""

import datetime

from notebake.aws import tags
from notebake.record import Record
from notebake.servers.server import Server
from notebake.timestamps import parse_timestamp

LONGEST_DAY = datetime.timedelta(hours=25)
"""Until the next daily end, on the day on which clocks are put back; more than until the hard end
that a machine has of itself, a day after its boot."""


class RunTime(Record):
    """Seconds of running."""

    least: float
    most: float


class CountedRuns(Record):
    """The runs of a server up to the last start that was counted, as a tag keeps them."""

    runs: RunTime
    started_at: datetime.datetime
    """When the last of them began, by EC2's clock."""
    counted_at: datetime.datetime
    """When they were counted: just before the server was started again."""


def run_time(server: Server, now: datetime.datetime) -> RunTime:
    """Return how long a server has run so far.

    What was not counted, between the last count and the last start, may all have been running.
    """
    counted = counted_runs(server)
    if counted and counted.started_at == server.started_at.replace(microsecond=0):
        return counted.runs
    before = counted.runs if counted else RunTime(least=0, most=0)
    since = counted.counted_at if counted else (server.made_at or server.started_at)
    unknown = max(0.0, (server.started_at - since).total_seconds())
    last = _last_run(server, now)
    return RunTime(least=before.least + last.least, most=before.most + unknown + last.most)


def tags_of_runs(server: Server, now: datetime.datetime) -> dict[str, str]:
    """Return the tag that counts the runs of a stopped server which is started now.

    Where the same start is tried again, the last run is counted already, and only once.
    """
    runs = run_time(server, now)
    times = (server.started_at.isoformat(timespec="seconds"), now.isoformat(timespec="seconds"))
    return {tags.RUNS: " ".join((f"{runs.least:.0f}", f"{runs.most:.0f}", *times))}


def counted_runs(server: Server) -> CountedRuns | None:
    """Return what the server's tag says; None without one, or if a person has changed it."""
    words = server.tags.get(tags.RUNS, "").split()
    if len(words) != 4 or not all(word.isdigit() for word in words[:2]):
        return None
    started_at, counted_at = (parse_timestamp(word) for word in words[2:])
    if started_at is None or counted_at is None:
        return None
    runs = RunTime(least=int(words[0]), most=int(words[1]))
    return CountedRuns(runs=runs, started_at=started_at, counted_at=counted_at)


def _last_run(server: Server, now: datetime.datetime) -> RunTime:
    """Return how long the run lasts, or lasted, that began with the last start."""
    is_over = server.state in ("stopping", "stopped")
    if is_over and server.stopped_at is None:
        return RunTime(
            least=0, most=_seconds(server.started_at, min(now, _latest_end(server, now)))
        )
    seconds = _seconds(server.started_at, server.stopped_at if is_over else now)
    return RunTime(least=seconds, most=seconds)


def _latest_end(server: Server, now: datetime.datetime) -> datetime.datetime:
    """Return when a server has stopped by itself at the latest, if its image sees to that."""
    if tags.RECIPE not in server.tags:
        return now
    ends = [server.hard_end_now] if server.hard_end_now else []
    if server.daily_end or (not ends and server.hard_end):
        # The daily end may have been changed while it ran: from then on it is a day again.
        since = max(filter(None, (server.started_at, server.daily_end_set)))
        ends.append(since + LONGEST_DAY)
    return max([*ends, server.keep_until or ends[0]]) if ends else now


def _seconds(began: datetime.datetime, ended: datetime.datetime | None) -> float:
    return max(0.0, (ended - began).total_seconds()) if ended else 0.0
