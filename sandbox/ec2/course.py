"""How what has been begun goes on: at once when it is ready, later, never, or not well."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.ec2.cloud import Cloud

Reason = tuple[str, str]


class Course:
    """What faults have in store for the things of one region. Hold the cloud's lock."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._held: dict[tuple[str, str], float | None] = {}
        self._failing: dict[str, str] = {}
        self._stillborn: dict[str, Reason] = {}

    def hold(self, thing_id: str, state: str, seconds: float | None) -> None:
        """Let a thing stay in the state that has just begun for so long, or for ever."""
        if seconds is not None:
            due = self._cloud.clock.now().timestamp() + seconds
            self._held[thing_id, state] = due
        else:
            self._held[thing_id, state] = None

    def end(self, thing_id: str, state: str, work: Callable[[], object]) -> None:
        """Do what ends a state, when it is to end; the work looks whether it still applies."""
        if (thing_id, state) not in self._held:
            work()
            return
        due = self._held.pop((thing_id, state))
        if due is not None:
            self._cloud.after(max(0.0, due - self._cloud.clock.now().timestamp()), work)

    def is_held(self, thing_id: str, state: str) -> bool:
        """Tell whether a state is to last longer than it would by itself."""
        return (thing_id, state) in self._held

    def let_fail(self, thing_id: str, message: str) -> None:
        """Let a thing that is being made come to nothing."""
        self._failing[thing_id] = message or "The sandbox was told to let it fail"

    def failure(self, thing_id: str) -> str | None:
        """Return why a thing comes to nothing; None if it does not."""
        return self._failing.pop(thing_id, None)

    def let_be_stillborn(self, instance_id: str, reason: Reason) -> None:
        """Let an instance end before it has ever run."""
        self._stillborn[instance_id] = reason

    def why_stillborn(self, instance_id: str) -> Reason | None:
        """Return why an instance never runs; None if it does."""
        return self._stillborn.pop(instance_id, None)
