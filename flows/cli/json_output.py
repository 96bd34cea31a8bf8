"""JSON on standard output, for scripts: one document, and nothing else."""

import datetime
import json
import sys
from collections.abc import Mapping


def print_document(document: Mapping[str, object]) -> None:
    """Print a document. What is not known is null in it."""
    sys.stdout.write(json.dumps(document, indent=2, allow_nan=False) + "\n")


def iso_time(time: datetime.datetime | None) -> str | None:
    """Return a time in UTC, as 2026-11-23T12:00:00+00:00."""
    return time.astimezone(datetime.UTC).isoformat(timespec="seconds") if time else None


def total(costs: list[float | None]) -> float | None:
    """Return what several cost together; None where the price of any is unknown."""
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None
