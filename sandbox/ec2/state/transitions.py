"""How what has been begun goes on: in its time, later, never, or not well."""

from collections.abc import Callable

from sandbox.ec2.state.core import Core

Reason = tuple[str, str]
NEVER = float("inf")


class Course:
    """When the states of one region's things end, and what faults have in store for them.

    Hold the cloud's lock. All times are those of the cloud's clock: nothing here sleeps.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._spans: dict[tuple[str, str], tuple[float, float]] = {}
        self._failing: dict[str, str] = {}
        self._stillborn: dict[str, Reason] = {}

    def begin(self, thing_id: str, state: str) -> None:
        """Begin a state: it lasts as long as the cloud's latency says, or longer."""
        now = self._now()
        self._spans[thing_id, state] = (now, now + self._core.latency.seconds(state))

    def begin_launch(self, instance_id: str) -> None:
        """Begin `pending`; a host that is powered on only after that waits for it, too."""
        self.begin(instance_id, "pending")
        now, end = self._spans[instance_id, "pending"]
        if seconds := self._core.latency.seconds("power-on"):
            self._spans[instance_id, "power-on"] = (now, end + seconds)

    def hold(self, thing_id: str, state: str, seconds: float | None) -> None:
        """Let a thing stay in the state that has just begun for so long, or for ever."""
        now = self._now()
        self._spans[thing_id, state] = (now, NEVER if seconds is None else now + seconds)

    def end(self, thing_id: str, state: str, work: Callable[[], object]) -> None:
        """Do what ends a state when its time is over; the work looks whether it still applies.

        A state that was not begun begins now.
        """
        if (thing_id, state) not in self._spans:
            self.begin(thing_id, state)

        def be_over() -> None:
            self._spans.pop((thing_id, state), None)
            work()

        _, end = self._spans[thing_id, state]
        if end <= self._now():
            be_over()
        elif end != NEVER:
            self._core.after(end - self._now(), be_over)

    def lasts(self, thing_id: str, state: str) -> bool:
        """Tell whether a state that has begun is not over yet."""
        return self._spans.get((thing_id, state), (0.0, 0.0))[1] > self._now()

    def percent(self, thing_id: str, state: str) -> int:
        """Return how much of a state that has not ended is over."""
        begun, end = self._spans.get((thing_id, state), (0.0, NEVER))
        return min(99, int(100 * (self._now() - begun) / (end - begun))) if begun < end else 99

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

    def _now(self) -> float:
        return self._core.clock.now().timestamp()
