"""Counts this process's changes in EC2, so that no older description is used after a change.

Events are ordered by a counter, as two clock readings may be equal.
"""

import itertools

from notebake.aws.execution import current_run_id

_count = itertools.count(1)
_latest: dict[str, int] = {}
"""The number of the latest change, by run id; "" for changes outside of an execution."""


def next_number() -> int:
    """Return a number that is larger than every earlier one in this process."""
    return next(_count)


def record_change() -> None:
    """Record that the executed run may have changed something until now."""
    _latest[current_run_id()] = next_number()


def latest_change() -> int:
    """Return the number of the last change that the executed run must see; 0 if there is none."""
    return max(_latest.get(current_run_id(), 0), _latest.get("", 0))
