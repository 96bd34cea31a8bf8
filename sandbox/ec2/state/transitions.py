"""How the states of resources end: in their time, later, never, or in failure."""

from collections.abc import Callable

from sandbox.ec2.state.core import Core

Reason = tuple[str, str]
NEVER = float("inf")


class Transitions:
    """When the states of a region's resources end, and which resources are to fail.

    Hold the cloud's lock. All times are those of the cloud's clock: nothing here sleeps.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._spans: dict[tuple[str, str], tuple[float, float]] = {}
        self._failing: dict[str, str] = {}
        self._failing_before_running: dict[str, Reason] = {}

    def begin(self, resource_id: str, state: str, span: str = "") -> None:
        """Begin a state, which lasts for the cloud's latency of it, or of another `span`."""
        now = self._now()
        self._spans[resource_id, state] = (now, now + self._core.latency.seconds(span or state))

    def begin_launch(self, instance_id: str) -> None:
        """Begin `pending`, followed by `power-on` if the latency has such a time."""
        self.begin(instance_id, "pending")
        now, end = self._spans[instance_id, "pending"]
        if seconds := self._core.latency.seconds("power-on"):
            self._spans[instance_id, "power-on"] = (now, end + seconds)

    def hold(self, resource_id: str, state: str, seconds: float | None) -> None:
        """Let the state that has just begun last for so long, or for ever."""
        now = self._now()
        self._spans[resource_id, state] = (now, NEVER if seconds is None else now + seconds)

    def extend(self, resource_id: str, state: str, seconds: float, after: float = 0) -> float:
        """Let a state last longer, and begin no sooner than `after`; return when it ends."""
        begun, end = self._spans[resource_id, state]
        end += seconds + max(0.0, after - begun)
        self._spans[resource_id, state] = (begun, end)
        return end

    def end(self, resource_id: str, state: str, work: Callable[[], object]) -> None:
        """Do the work when the time of the state is over, beginning the state if necessary.

        The work checks whether it still applies.
        """
        if (resource_id, state) not in self._spans:
            self.begin(resource_id, state)

        def finish() -> None:
            self._spans.pop((resource_id, state), None)
            work()

        _, end = self._spans[resource_id, state]
        if end <= self._now():
            finish()
        elif end != NEVER:
            self._core.after(end - self._now(), finish)

    def lasts(self, resource_id: str, state: str) -> bool:
        """Return whether a state has begun and is not over."""
        return self._spans.get((resource_id, state), (0.0, 0.0))[1] > self._now()

    def percent(self, resource_id: str, state: str) -> int:
        """Return how much of the time of a state has passed: 99 at most."""
        begun, end = self._spans.get((resource_id, state), (0.0, NEVER))
        return min(99, int(100 * (self._now() - begun) / (end - begun))) if begun < end else 99

    def fail(self, resource_id: str, message: str) -> None:
        self._failing[resource_id] = message or "A fault of the sandbox makes it fail"

    def take_failure(self, resource_id: str) -> str | None:
        """Return, only once, why the creation of a resource fails; None if it does not."""
        return self._failing.pop(resource_id, None)

    def fail_before_running(self, instance_id: str, reason: Reason) -> None:
        """Let an instance end before it runs."""
        self._failing_before_running[instance_id] = reason

    def take_failure_before_running(self, instance_id: str) -> Reason | None:
        """Return, only once, why an instance ends before it runs; None if it does not."""
        return self._failing_before_running.pop(instance_id, None)

    def _now(self) -> float:
        return self._core.clock.now().timestamp()
