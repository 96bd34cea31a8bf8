"""Which ids a call does not find: not yet (EC2 is eventually consistent), or no more."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from sandbox.clock import Clock
from sandbox.ec2.model import Instance

Resource = TypeVar("Resource")


class Visibility:
    """What a region shows to the call that is being answered."""

    def __init__(self, clock: Clock, instances: Mapping[str, Instance], network: Any) -> None:
        self._clock = clock
        self._instances = instances
        self._network = network
        self._hidden: dict[str, tuple[datetime | None, tuple[str, ...]]] = {}
        self.action = ""

    def hide(
        self, resource_id: str, seconds: float | None, actions: tuple[str, ...] = ("*",)
    ) -> None:
        """Hide a resource from calls of these actions, for so long or for ever."""
        until = None if seconds is None else self._clock.now() + timedelta(seconds=seconds)
        self._hidden[resource_id] = (until, actions)

    def is_visible(self, resource_id: str) -> bool:
        """Return whether the call that is being answered finds this resource."""
        now = self._clock.now()
        until, actions = self._hidden.get(resource_id, (now, ()))
        is_hidden = until is None or now < until
        if is_hidden and any(fnmatchcase(self.action, pattern) for pattern in actions):
            return False
        instance = self._instances.get(resource_id)
        if not instance or not instance.end_time:
            return True
        return now < instance.end_time + timedelta(seconds=instance.forget_after_seconds)

    def visible(self, resources: Mapping[str, Resource]) -> list[Resource]:
        """Return the resources that the call finds."""
        return [item for resource_id, item in resources.items() if self.is_visible(resource_id)]

    @contextmanager
    def hidden_from_moto(self) -> Iterator[None]:
        """Remove what is hidden from moto's tables while the block runs; hold the cloud's lock."""
        tables = [*self._network.groups.values(), self._network.key_pairs, self._network.enis]
        whole = [
            (table, dict(table)) for table in tables if not all(map(self._shows, table.values()))
        ]
        try:
            for table, content in whole:
                table.clear()
                table.update({key: item for key, item in content.items() if self._shows(item)})
            yield
        finally:
            for table, content in whole:
                table.clear()
                table.update(content)

    def _shows(self, resource: Any) -> bool:
        return self.is_visible(str(resource.id))
