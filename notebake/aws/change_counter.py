"""What this process has changed in EC2: nobody takes an older reading for an answer after that.

The order is that of a count, as two moments of a clock may be the same.
"""

import itertools

from notebake.execution import current_run_id

_count = itertools.count(1)
_latest: dict[str, int] = {}
"""The latest change by each run's execution; under "", by whoever executes none."""


def next_moment() -> int:
    """Return a number that is larger than every earlier one in this process."""
    return next(_count)


def note_change() -> None:
    """Keep that the run in hand may have changed something until now."""
    _latest[current_run_id()] = next_moment()


def latest_change() -> int:
    """Return the moment of the last change that the run in hand must see; 0 before the first."""
    return max(_latest.get(current_run_id(), 0), _latest.get("", 0))
