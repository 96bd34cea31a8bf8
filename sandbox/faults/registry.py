"""The faults that can happen, and how often each has fired. Thread-safe."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from sandbox.faults.fault import NOW, Fault, FaultError


@dataclass(frozen=True)
class Facts:
    """What is known of a call or of a resource, for a fault's conditions to test."""

    service: str
    actions: tuple[str, ...]
    values: Mapping[str, Iterable[str]] = field(default_factory=dict)

    def match(self, fault: Fault) -> bool:
        """Return whether all conditions of a fault are met."""
        return (
            fnmatchcase(self.service, fault.service)
            and any(fnmatchcase(action, fault.action) for action in self.actions)
            and all(self._has(key, patterns) for key, patterns in fault.where.items())
        )

    def _has(self, key: str, patterns: tuple[str, ...]) -> bool:
        values = self.values.get(key, ())
        return any(fnmatchcase(value, pattern) for value in values for pattern in patterns)


@dataclass
class _Entry:
    fault: Fault
    passed: int = 0
    fired: int = 0

    @property
    def is_active(self) -> bool:
        return self.fault.times is None or self.fired < self.fault.times


class FaultRegistry:
    """Holds faults by their names."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}

    def add(self, *faults: Fault) -> None:
        """Add all of the faults, or none. Raises FaultError if a name is taken."""
        with self._lock:
            names = [fault.name for fault in faults]
            for name in names:
                if name in self._entries or names.count(name) > 1:
                    raise FaultError(f"Fault {name}, field name: it is taken")
            self._entries |= {fault.name: _Entry(fault) for fault in faults}

    def remove(self, name: str | None = None) -> list[str]:
        """Remove the fault of this name, or all faults; return the names of those removed."""
        with self._lock:
            removed = [known for known in self._entries if name in (None, known)]
            for known in removed:
                del self._entries[known]
            return removed

    def fired(self, name: str) -> int:
        """Return how often a fault has fired. Raises KeyError for an unknown name."""
        with self._lock:
            return self._entries[name].fired

    def describe(self) -> list[dict[str, Any]]:
        with self._lock:
            return [
                {**asdict(entry.fault), "fired": entry.fired} for entry in self._entries.values()
            ]

    def active(self, effect: str) -> list[Fault]:
        """Return the faults of this effect that may still fire. Counts nothing."""
        with self._lock:
            entries = list(self._entries.values())
        return [item.fault for item in entries if item.fault.effect == effect and item.is_active]

    def fire(self, effects: Iterable[str], facts: Facts) -> list[Fault]:
        """Return the faults that happen to this call, and count them."""
        return [fault for fault in self.matching(effects, facts) if self.count(fault)]

    def fire_first(self, effects: Iterable[str], facts: Facts) -> Fault | None:
        """Return the first fault that happens to this call; no other is counted."""
        return next((fault for fault in self.matching(effects, facts) if self.count(fault)), None)

    def matching(self, effects: Iterable[str], facts: Facts) -> list[Fault]:
        """Return the faults whose conditions are met, in the order in which they were added."""
        with self._lock:
            faults = [entry.fault for entry in self._entries.values()]
        return [
            fault
            for fault in faults
            if fault.effect in effects and fault.action != NOW and facts.match(fault)
        ]

    def count(self, fault: Fault) -> bool:
        """Count a call that meets the conditions; return whether the fault fires at it."""
        with self._lock:
            entry = self._entries.get(fault.name)
            if not entry or not entry.is_active:
                return False
            if entry.passed < fault.skip:
                entry.passed += 1
                return False
            entry.fired += 1
            return True

    def count_fired(self, fault: Fault) -> None:
        """Count a fault that has fired without a call."""
        with self._lock:
            if entry := self._entries.get(fault.name):
                entry.fired += 1
