"""The clock of AWS, as the entries of a run show it beside the clocks of the computers that wrote.

AWS charges by its own clock, and a computer's may be a day off. Each answer of AWS has its time.
"""

import statistics
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from email.utils import parsedate_to_datetime

from notebake.ledger.entry import Entry
from notebake.ledger.kinds import ANSWERED
from notebake.timestamps import parse_timestamp


def parse_time(text: str) -> float | None:
    """Return the seconds since 1970 of a time in an entry; None if there is none."""
    moment = parse_timestamp(text)
    return moment.timestamp() if moment else None


class RecordedClock:
    """Gives the time of AWS for an entry, to about a second."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        ahead = defaultdict(list)
        for entry in entries:
            if (date := _date_of(entry)) is not None:
                ahead[entry.execution].append(entry.at - date)
        self._ahead = {execution: statistics.median(found) for execution, found in ahead.items()}
        """How far the clock of each execution is ahead of AWS's."""

    def time_of(self, entry: Entry) -> float:
        """Return when an entry was written; of an answer, AWS's own date if it has one."""
        date = _date_of(entry)
        return self.corrected(entry.at, entry.execution) if date is None else date

    def corrected(self, at: float, execution: str) -> float:
        """Return a time by the clock of an execution as AWS has it."""
        return at - self._ahead.get(execution, 0.0)


def _date_of(entry: Entry) -> float | None:
    """Return AWS's own time of an answer."""
    if entry.kind == ANSWERED and entry.body.get("date"):
        with suppress(ValueError):
            return parsedate_to_datetime(entry.body["date"]).timestamp()
    return None
