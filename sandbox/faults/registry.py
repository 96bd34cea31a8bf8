"""The faults that stand, and how often each has fired. Thread-safe."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from sandbox.faults.fault import NOW, Fault, FaultError


@dataclass(frozen=True)
class Facts:
    """What is known of a call, or of a thing: what a fault's conditions look at."""

    service: str
    actions: tuple[str, ...]
    values: Mapping[str, Iterable[str]] = field(default_factory=dict)

    def fit(self, fault: Fault) -> bool:
        """Tell whether a fault is about this."""
        return (
            fnmatchcase(self.service, fault.service)
            and any(fnmatchcase(one, fault.action) for one in self.actions)
            and all(self._has(key, wanted) for key, wanted in fault.where.items())
        )

    def _has(self, key: str, wanted: tuple[str, ...]) -> bool:
        found = self.values.get(key, ())
        return any(fnmatchcase(one, pattern) for one in found for pattern in wanted)


@dataclass
class _Entry:
    fault: Fault
    passed: int = 0
    fired: int = 0


class FaultBook:
    """Holds faults by their names."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}

    def add(self, *faults: Fault) -> None:
        """Put faults into the book: all of them, or none. Raises FaultError if a name is taken."""
        with self._lock:
            names = [one.name for one in faults]
            for name in names:
                if name in self._entries or names.count(name) > 1:
                    raise FaultError(f"Fault {name}, field name: it is taken")
            self._entries |= {one.name: _Entry(one) for one in faults}

    def remove(self, name: str | None = None) -> list[str]:
        """Take one fault out of the book, or all of them; return the names of what was in it."""
        with self._lock:
            gone = [name] if name in self._entries else []
            gone = list(self._entries) if name is None else gone
            for one in gone:
                del self._entries[str(one)]
            return [str(one) for one in gone]

    def fired(self, name: str) -> int:
        """Return how often a fault has fired. Raises KeyError for one that is not there."""
        with self._lock:
            return self._entries[name].fired

    def describe(self) -> list[dict[str, Any]]:
        """Return every fault with its count."""
        with self._lock:
            entries = list(self._entries.values())
            return [{**asdict(one.fault), "fired": one.fired} for one in entries]

    def standing(self, effect: str) -> list[Fault]:
        """Return the faults of this effect that may still fire, counting nothing."""
        with self._lock:
            return [
                one.fault
                for one in self._entries.values()
                if one.fault.effect == effect and not _is_spent(one)
            ]

    def fire(self, effects: Iterable[str], facts: Facts) -> list[Fault]:
        """Return the faults that happen here and now, and count them."""
        return [one for one in self.fitting(effects, facts) if self.count(one)]

    def fire_first(self, effects: Iterable[str], facts: Facts) -> Fault | None:
        """Return the first fault that happens here and now; no other is counted."""
        return next((one for one in self.fitting(effects, facts) if self.count(one)), None)

    def fitting(self, effects: Iterable[str], facts: Facts) -> list[Fault]:
        """Return the faults that are about this, in the order of the book, counting nothing."""
        with self._lock:
            faults = [one.fault for one in self._entries.values()]
        wanted = set(effects)
        return [
            one for one in faults if one.effect in wanted and one.action != NOW and facts.fit(one)
        ]

    def count(self, fault: Fault) -> bool:
        """Count a call that fits; tell whether the fault fires at it."""
        with self._lock:
            entry = self._entries.get(fault.name)
            if not entry or _is_spent(entry):
                return False
            if entry.passed < fault.skip:
                entry.passed += 1
                return False
            entry.fired += 1
            return True

    def note(self, fault: Fault) -> None:
        """Count a fault that has fired without a call."""
        with self._lock:
            if entry := self._entries.get(fault.name):
                entry.fired += 1


def _is_spent(entry: _Entry) -> bool:
    return entry.fault.times is not None and entry.fired >= entry.fault.times
