"""What the idle timer of a server says: the file that it writes each minute."""

import datetime
import json

from pydantic import ValidationError

from notebake.record import Record

IDLE_FILE = "/run/notebake/idle.json"
READ_IDLE_FILE = f"cat {IDLE_FILE}"
WARNING_MINUTES = 10


class IdleState(Record):
    """Why the server is at work, or since when it is not and when it stops. Times are in UTC."""

    checked: datetime.datetime | None = None
    idle_since: datetime.datetime | None = None
    active: tuple[str, ...] = ()
    stops_at: datetime.datetime | None = None
    why: str | None = None
    """idle, daily end or hard end."""

    def minutes_left(self, now: datetime.datetime) -> float | None:
        """Return in how many minutes it stops; None if that is not planned."""
        return (self.stops_at - now).total_seconds() / 60 if self.stops_at else None


def parse_idle_state(text: str) -> IdleState | None:
    """Return the state in the file; None if it holds none, as of another version."""
    try:
        found = json.loads(text)
        known = {key: value for key, value in found.items() if key in IdleState.model_fields}
        return IdleState.model_validate(known)
    except (ValueError, AttributeError, ValidationError):
        return None
