"""Which ids EC2 does not show: not yet (it is eventually consistent), or no more."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from sandbox.clock import Clock
from sandbox.ec2.model import Instance

Thing = TypeVar("Thing")


class Sight:
    """What one region shows to the call that is being answered."""

    def __init__(self, clock: Clock, instances: Mapping[str, Instance], network: Any) -> None:
        self._clock = clock
        self._instances = instances
        self._network = network
        self._hidden: dict[str, tuple[datetime | None, tuple[str, ...]]] = {}
        self.action = ""

    def hide(self, thing_id: str, seconds: float | None, by: tuple[str, ...] = ("*",)) -> None:
        """Let calls (of these actions) not find a thing for so long, or for ever."""
        now = self._clock.now()
        until = None if seconds is None else now + timedelta(seconds=seconds)
        self._hidden[thing_id] = (until, by)

    def shows(self, thing_id: str) -> bool:
        """Tell whether the call that is being answered finds this."""
        now = self._clock.now()
        until, by = self._hidden.get(thing_id, (now, ()))
        if (until is None or now < until) and any(fnmatchcase(self.action, one) for one in by):
            return False
        instance = self._instances.get(thing_id)
        if not instance or not instance.end_time:
            return True
        return now < instance.end_time + timedelta(seconds=instance.forget_after_seconds)

    def shown(self, things: Mapping[str, Thing]) -> list[Thing]:
        """Return those of the things that are found."""
        return [thing for thing_id, thing in things.items() if self.shows(thing_id)]

    @contextmanager
    def kept_from_moto(self) -> Iterator[None]:
        """Take what is hidden out of moto's keeping while the block runs; hold the cloud's lock."""
        kept: list[tuple[dict[str, Any], dict[str, Any]]] = []
        keepers = [*self._network.groups.values(), self._network.key_pairs, self._network.enis]
        for keeper in keepers:
            if any(not self.shows(_id_of(one)) for one in keeper.values()):
                kept.append((keeper, dict(keeper)))
        try:
            for keeper, whole in kept:
                for key, one in whole.items():
                    if not self.shows(_id_of(one)):
                        del keeper[key]
            yield
        finally:
            for keeper, whole in kept:
                keeper.clear()
                keeper.update(whole)


def _id_of(thing: Any) -> str:
    return str(thing.id)
