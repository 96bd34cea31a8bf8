"""JSON output for scripts: one document on standard output."""

import datetime
import json
import sys
from collections.abc import Mapping


def print_document(document: Mapping[str, object]) -> None:
    """Print a document, in which null stands for unknown values."""
    sys.stdout.write(json.dumps(document, indent=2, allow_nan=False) + "\n")


def iso_time(time: datetime.datetime | None) -> str | None:
    """Return a time in UTC, as 2026-11-23T12:00:00+00:00."""
    return time.astimezone(datetime.UTC).isoformat(timespec="seconds") if time else None


def total(costs: list[float | None]) -> float | None:
    """Return the sum of costs; None if one of them is unknown."""
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None
