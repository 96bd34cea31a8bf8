"""Readings: what EC2 shows, described once for all in this process who want to know it.

A reading is one Describe with a filter that holds every value that somebody here has asked for of
late. It answers a question where
- it began after all that the run in hand has changed, or has been shown of that kind; and
- it began after the question, or shows the thing and is younger than a second (`OLDEST_SECONDS`).
  In a wait it may be no older than half of what has been waited: what is quick is noticed at once.

So what decides whether something is made, or that nothing is left, is asked anew each time: that a
thing is not shown counts only in a reading that began after the question.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from notebake import clock
from notebake.aws import tags
from notebake.aws.change_counter import latest_change, next_moment
from notebake.aws.clients import memory_of
from notebake.aws.kinds import Kind, list_kind
from notebake.aws.single_flight import SingleFlight
from notebake.execution import current_run_id, holds_run
from notebake.waiting import pause, waited_seconds

BY_RUN = f"tag:{tags.RUN}"
FIELDS = {
    "group-name": "GroupName",
    "image-id": "ImageId",
    "instance-id": "InstanceId",
    "key-name": "KeyName",
    "name": "Name",
    "volume-id": "VolumeId",
}
"""Where a description holds what a filter looks at."""
OLDEST_SECONDS = 0.75
LOOK_SECONDS = 0.2
"""How often a wait looks at the readings; how often there is one they decide themselves."""
KEPT_SECONDS = 60.0
"""How long a value is described with the others after somebody has asked for it."""
GAP_SECONDS = 0.075
"""From one reading to the next, for each value beyond the first, up to the above: whatever a
process has in hand, it asks about once a second. EC2 refills an account's bucket of Describe calls
by 20 a second (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html)."""


class Reading(NamedTuple):
    """What EC2 showed of each value that was asked for."""

    began: int
    at: float
    shown: dict[str, list[dict[str, Any]]]


class SharedDescribe:
    """The readings of one kind in one region by one filter."""

    def __init__(self, region: str, kind: Kind, filter_name: str) -> None:
        self.region, self.kind, self.filter_name = region, kind, filter_name
        self._shared: SingleFlight[Reading] = SingleFlight()
        self._asked_at: dict[str, float] = {}
        self._last_at = -GAP_SECONDS

    def look(
        self, value: str, since: int, oldest_seconds: float, only: Callable[[dict[str, Any]], bool]
    ) -> tuple[int, list[dict[str, Any]]]:
        """Return what EC2 shows of a value, and the moment at which that reading began."""
        asked, asked_at = next_moment(), clock.elapsed()
        self._asked_at[value] = asked_at

        def found_in(reading: Reading) -> list[dict[str, Any]]:
            return [one for one in reading.shown.get(value, ()) if only(one)]

        def is_good(reading: Reading) -> bool:
            if value not in reading.shown or reading.began < since:
                return False
            is_young = reading.at > asked_at - oldest_seconds
            return reading.began > asked or (is_young and bool(found_in(reading)))

        reading = self._shared.get(lambda: self._read(value), is_good)
        return reading.began, found_in(reading)

    def _read(self, value: str) -> Reading:
        """Describe all that has been asked for of late, not too soon after the last time."""
        gap_seconds = min(OLDEST_SECONDS, GAP_SECONDS * (len(self._wanted() | {value}) - 1))
        left_seconds = self._last_at + gap_seconds - clock.elapsed()
        if left_seconds > 0:
            # Who was interrupted does not wait, but may still look, such as for what is left.
            with suppress(InterruptedError):
                pause(left_seconds)
        began, self._last_at = next_moment(), clock.elapsed()
        shown: dict[str, list[dict[str, Any]]] = {one: [] for one in self._wanted() | {value}}
        for one in list_kind(self.region, self.kind, self.filter_name, sorted(shown)):
            if (found_by := self._value_of(one)) in shown:
                shown[found_by].append(one)
        return Reading(began, self._last_at, shown)

    def _wanted(self) -> set[str]:
        """Return the values that somebody has asked for of late."""
        oldest = clock.elapsed() - KEPT_SECONDS
        for value, asked_at in list(self._asked_at.items()):
            if asked_at < oldest:
                self._asked_at.pop(value, None)
        return set(self._asked_at)

    def _value_of(self, found: dict[str, Any]) -> str:
        """Return by which of the values a thing was found."""
        if self.filter_name == BY_RUN:
            return tags.as_dict(found.get("Tags") or found.get("TagSet")).get(tags.RUN, "")
        return str(found.get(FIELDS[self.filter_name], ""))


def look(
    region: str,
    kind: Kind,
    filter_name: str,
    value: str,
    *,
    only: Callable[[dict[str, Any]], bool] = lambda _: True,
    oldest_seconds: float | None = None,
) -> list[dict[str, Any]]:
    """Return EC2's descriptions of what has a value by a filter, and of these only some.

    Raises:
        CloudError: EC2 refused, or gave no answer.
    """
    if oldest_seconds is None:
        waited = waited_seconds()
        oldest_seconds = min(OLDEST_SECONDS, waited / 2) if waited else OLDEST_SECONDS
    memory = memory_of(region)
    key = (kind.name, filter_name, holds_run())
    watch: SharedDescribe = memory.get(key) or memory.setdefault(
        key, SharedDescribe(region, kind, filter_name)
    )
    given: dict[str, int] = memory.setdefault(("given", kind.name), {})
    run_id = current_run_id()
    since = max(latest_change(), given.get(run_id, 0))
    began, found = watch.look(value, since, oldest_seconds, only)
    given[run_id] = max(began, given.get(run_id, 0))
    return found
