"""The log of changes of state, with their times: it shows how long a caller waited."""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sandbox.ec2.state.core import Core
from sandbox.ec2.state.region import Region

MOST_RECORDS = 10_000
GONE = "gone"

Key = tuple[str, str, str]


@dataclass(frozen=True)
class StateChange:
    """A change of state. A resource that is deleted, detached or deregistered is `gone`.

    `time` is this machine's, as in the log of calls; `cloud_time` that of the cloud's clock. Both
    are seconds since 1970. An attachment has the id of its volume.
    """

    time: float
    cloud_time: float
    region: str
    kind: str
    id: str
    state: str


class StateLog:
    """The latest changes of state of what an account owns. Hold the cloud's lock."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._last: dict[Key, str] = {}
        self._records: deque[StateChange] = deque(maxlen=MOST_RECORDS)

    def note(self, regions: Iterable[Region]) -> None:
        """Record the states that differ from those of the last time."""
        now: dict[Key, str] = {}
        for region in regions:
            now.update(_states_of(region))
        if now == self._last:
            return
        changed = [(key, state) for key, state in now.items() if self._last.get(key) != state]
        changed += [(key, GONE) for key in self._last if key not in now]
        times = time.time(), self._core.clock.now().timestamp()
        self._records.extend(StateChange(*times, *key, state) for key, state in changed)
        self._last = now

    def records(self) -> list[StateChange]:
        with self._core.lock:
            return list(self._records)


def _states_of(region: Region) -> Iterator[tuple[Key, str]]:
    name, account_id = region.name, region.account_id
    for instance in region.instances.values():
        yield (name, "instance", instance.id), instance.state
    for volume in region.volumes.values():
        yield (name, "volume", volume.id), volume.state
        if volume.attachment:
            yield (name, "attachment", volume.id), volume.attachment.state
    for snapshot in region.snapshots.values():
        if snapshot.owner_id == account_id:
            yield (name, "snapshot", snapshot.id), snapshot.state
    for image in region.images.values():
        if image.owner_id == account_id:
            yield (name, "image", image.id), image.state
