"""What may have been lost while a line was silent.

JupyterLab's server sends what a cell prints to the page. While it knows that the page is away it
keeps that and sends it later (jupyter_server, `buffer_offline_messages`). But until it knows, it
sends into a connection of which nobody reads the other end, and that is lost. A computation goes
on in any case, and what it writes to files is complete.
"""

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from notebake.humanize import format_seconds
from notebake.record import Record


AGAIN = "A cell that was run just then and shows [*] without end has to be run again."
"""Until the loss is noticed, what a person runs is lost on its way, too."""


class Silence(Record):
    """When nothing arrived (UTC), and which notebooks were at work meanwhile."""

    began: datetime.datetime
    ended: datetime.datetime
    notebooks: tuple[str, ...] | None
    """None: JupyterLab could not be asked."""

    @property
    def seconds(self) -> float:
        return (self.ended - self.began).total_seconds()


def at_work_since(
    sessions: Iterable[Mapping[str, Any]], began: datetime.datetime
) -> tuple[str, ...]:
    """Return the notebooks whose kernel is busy, or has done something since then."""
    found = set()
    for session in sessions:
        kernel = session.get("kernel") or {}
        is_busy = kernel.get("execution_state") == "busy"
        if is_busy or _time_of(kernel.get("last_activity")) >= began:
            found.add(str(session.get("path") or session.get("name") or "a notebook"))
    return tuple(sorted(found))


def describe_silence(silence: Silence) -> list[str]:
    """Return what a person reads when the line is back."""
    began, ended = (f"{time.astimezone():%H:%M:%S}" for time in (silence.began, silence.ended))
    away = f"The line is back after {format_seconds(silence.seconds)} ({began} to {ended})."
    if silence.notebooks is None:
        return [away, "What cells printed meanwhile may be missing on the page.", AGAIN]
    if not silence.notebooks:
        return [f"{away} No notebook was at work meanwhile, so no output is lost.", AGAIN]
    names = ", ".join(silence.notebooks)
    return [
        away,
        f"What {names} printed meanwhile may be missing on the page. The kernel has gone on:"
        " variables and files are complete.",
        AGAIN,
    ]


def _time_of(text: object) -> datetime.datetime:
    """Return a time as Jupyter writes it; long ago if it is none."""
    try:
        return datetime.datetime.fromisoformat(str(text))
    except ValueError:
        return datetime.datetime.min.replace(tzinfo=datetime.UTC)
