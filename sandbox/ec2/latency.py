"""How long EC2 takes over things: the one place where the sandbox's waiting is decided."""

import time
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Latency:
    """Seconds that each state lasts at least; the host's own time comes on top of it."""

    pending: float = 0.2
    stopping: float = 0.2
    shutting_down: float = 0.2
    creating: float = 0.1
    attaching: float = 0.1
    detaching: float = 0.1
    snapshot: float = 0.4
    image: float = 0.5

    def scaled(self, factor: float) -> "Latency":
        """Return the same, slower or quicker by this factor."""
        return Latency(*(getattr(self, field.name) * factor for field in fields(self)))

    def wait(self, state: str) -> None:
        """Sleep as long as this state lasts."""
        if seconds := getattr(self, state):
            time.sleep(seconds)


NO_LATENCY = Latency().scaled(0)
