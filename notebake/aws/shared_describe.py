"""Describe calls that the threads of this process share.

A reading is the result of one Describe call whose filter holds all values that were requested
recently. It is valid for a request if
- it began after all changes by the executed run, and after all readings of this kind that the run
  has already used; and
- it began after the request, or shows the resource and is not older than MAX_AGE_SECONDS. In a
  wait, the maximum age is half of the time waited so far: quick changes are noticed at once.

So the absence of a resource is taken only from a reading that began after the request.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from notebake import clock
from notebake.aws import tags
from notebake.aws.change_counter import latest_change, next_number
from notebake.aws.clients import memory_of
from notebake.aws.execution import current_run_id, holds_run
from notebake.aws.kinds import Kind, list_kind
from notebake.aws.single_flight import SingleFlight
from notebake.waiting import pause, waited_seconds

BY_RUN = f"tag:{tags.RUN}"
FILTER_FIELDS = {
    "group-name": "GroupName",
    "image-id": "ImageId",
    "instance-id": "InstanceId",
    "key-name": "KeyName",
    "name": "Name",
    "volume-id": "VolumeId",
}
"""The field of a description for each filter."""
MAX_AGE_SECONDS = 0.75
POLL_SECONDS = 0.2
"""The interval at which a wait requests a reading; SPACING_SECONDS limits the actual calls."""
KEPT_SECONDS = 60.0
"""How long a value stays in the filter after its last request."""
SPACING_SECONDS = 0.075
"""The time between two readings per value beyond the first, up to MAX_AGE_SECONDS: a process sends
about one call a second. EC2 allows an account 20 Describe calls a second
(https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html)."""


class Reading(NamedTuple):
    """EC2's descriptions by requested value; `began` is a number of the change counter."""

    began: int
    at: float
    shown: dict[str, list[dict[str, Any]]]


class SharedDescribe:
    """The readings of one kind of resource in one region by one filter."""

    def __init__(self, region: str, kind: Kind, filter_name: str) -> None:
        self.region, self.kind, self.filter_name = region, kind, filter_name
        self._shared: SingleFlight[Reading] = SingleFlight()
        self._requested_at: dict[str, float] = {}
        self._last_at = -SPACING_SECONDS

    def get(
        self, value: str, since: int, max_age_seconds: float, only: Callable[[dict[str, Any]], bool]
    ) -> tuple[int, list[dict[str, Any]]]:
        """Return the descriptions for a value, and when their reading began."""
        requested, requested_at = next_number(), clock.elapsed()
        self._requested_at[value] = requested_at

        def found_in(reading: Reading) -> list[dict[str, Any]]:
            return [
                description for description in reading.shown.get(value, ()) if only(description)
            ]

        def is_good(reading: Reading) -> bool:
            if value not in reading.shown or reading.began < since:
                return False
            is_young = reading.at > requested_at - max_age_seconds
            return reading.began > requested or (is_young and bool(found_in(reading)))

        reading = self._shared.get(lambda: self._read(value), is_good)
        return reading.began, found_in(reading)

    def _read(self, value: str) -> Reading:
        spacing = min(MAX_AGE_SECONDS, SPACING_SECONDS * (len(self._wanted() | {value}) - 1))
        left_seconds = self._last_at + spacing - clock.elapsed()
        if left_seconds > 0:
            # After an interruption there is no wait, but the remaining resources are still listed.
            with suppress(InterruptedError):
                pause(left_seconds)
        began, self._last_at = next_number(), clock.elapsed()
        shown: dict[str, list[dict[str, Any]]] = {wanted: [] for wanted in self._wanted() | {value}}
        for description in list_kind(self.region, self.kind, self.filter_name, sorted(shown)):
            if (found_by := self._value_of(description)) in shown:
                shown[found_by].append(description)
        return Reading(began, self._last_at, shown)

    def _wanted(self) -> set[str]:
        oldest = clock.elapsed() - KEPT_SECONDS
        for value, requested_at in list(self._requested_at.items()):
            if requested_at < oldest:
                self._requested_at.pop(value, None)
        return set(self._requested_at)

    def _value_of(self, found: dict[str, Any]) -> str:
        """Return the value by which the filter found a resource."""
        if self.filter_name == BY_RUN:
            return tags.as_dict(found.get("Tags") or found.get("TagSet")).get(tags.RUN, "")
        return str(found.get(FILTER_FIELDS[self.filter_name], ""))


def describe_shared(
    region: str,
    kind: Kind,
    filter_name: str,
    value: str,
    *,
    only: Callable[[dict[str, Any]], bool] = lambda _: True,
    max_age_seconds: float | None = None,
) -> list[dict[str, Any]]:
    """Return EC2's descriptions of the resources with a value, of which `only` selects some.

    Raises:
        CloudError: EC2 refused, or gave no answer.
    """
    if max_age_seconds is None:
        waited = waited_seconds()
        max_age_seconds = min(MAX_AGE_SECONDS, waited / 2) if waited else MAX_AGE_SECONDS
    memory = memory_of(region)
    key = (kind.name, filter_name, holds_run())
    shared: SharedDescribe = memory.get(key) or memory.setdefault(
        key, SharedDescribe(region, kind, filter_name)
    )
    shown_until: dict[str, int] = memory.setdefault(("shown until", kind.name), {})
    run_id = current_run_id()
    since = max(latest_change(), shown_until.get(run_id, 0))
    began, found = shared.get(value, since, max_age_seconds, only)
    shown_until[run_id] = max(began, shown_until.get(run_id, 0))
    return found
